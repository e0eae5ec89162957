//! kill -9 in the middle of writing: what was acknowledged is there, and the chain is whole.
//!
//! The writer is this test program itself, started again with the name of the store in its environment.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use chrono::DateTime;
use nis2watch::model::{
    AssetId, CheckId, CheckResult, Evidence, Judgement, Params, Severity, Time, Value, Verdict, ZoneId,
};
use nis2watch::store::{Act, Config, Filter, Sqlite, Store};
use tokio::io::{AsyncBufReadExt, BufReader};

const STORE: &str = "NIS2WATCH_TEST_STORE";
const START: &str = "NIS2WATCH_TEST_START";
const KILLS: usize = 5;
/// Visits that write at the same time.
const CALLERS: i64 = 8;

fn at(number: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + number, 0).unwrap()
}

/// The n-th verdict about asset n mod 8; each is a change from the one before.
fn result(number: i64) -> CheckResult {
    let verdict = if (number / CALLERS) % 2 == 0 { Verdict::Fail } else { Verdict::Pass };
    CheckResult {
        asset: AssetId::parse(&format!("asset-{}", number % CALLERS)).unwrap(),
        zone: ZoneId::parse("cell-1").unwrap(),
        check: CheckId::parse("ssh-root-login").unwrap(),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement {
            verdict,
            reason: format!("number {number}"),
            observed: Value::Int(number),
            expected: Value::Null,
            params: Params::default(),
        },
        evidence: Evidence::default(),
        at: at(number),
        duration_ms: 1,
    }
}

fn open(path: &Path) -> Sqlite {
    Sqlite::open(&Config { path: path.to_owned(), ..Config::default() }).unwrap()
}

/// The child: writes for ever, and says which numbers were acknowledged.
#[tokio::test]
#[ignore = "started by the test below"]
async fn write_until_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let start: i64 = std::env::var(START).unwrap().parse().unwrap();
    let store = Arc::new(open(&PathBuf::from(path)));
    let callers = (0..CALLERS).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (start + caller..).step_by(usize::try_from(CALLERS).unwrap()) {
                assert_eq!(store.record(vec![result(number)]).await.unwrap().len(), 1);
                println!("\nacknowledged {number}");
            }
        })
    });
    futures::future::join_all(callers).await;
}

/// The n-th thing that a person did.
fn act(number: i64) -> Act {
    Act {
        kind: "attest.sign".into(),
        subject: "org".into(),
        actor: "p-014".into(),
        reason: format!("number {number}"),
        body: "{}".into(),
        at: at(number),
    }
}

/// The child: signs for ever beside whoever else writes the store, and says which signatures were acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test below"]
async fn sign_until_killed() {
    let Ok(path) = std::env::var(STORE) else { return };
    let start: i64 = std::env::var(START).unwrap().parse().unwrap();
    let store = Sqlite::open_beside(&Config { path: path.into(), ..Config::default() }).unwrap();
    for number in start.. {
        store.act(act(number)).await.unwrap();
        println!("\nacknowledged {number}");
    }
}

/// Runs the child until it has acknowledged `enough`, kills it, and returns all that it acknowledged.
async fn killed_writer(child: &str, path: &Path, start: i64, enough: usize) -> Vec<i64> {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(STORE, path)
        .env(START, start.to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let Some(number) = line.strip_prefix("acknowledged ") else { continue };
        acknowledged.extend(number.parse::<i64>());
        if acknowledged.len() == enough {
            child.start_kill().unwrap();
        }
    }
    assert!(!child.wait().await.unwrap().success());
    assert!(acknowledged.len() >= enough);
    acknowledged
}

#[tokio::test]
async fn kill_9_loses_no_acknowledged_verdict_and_keeps_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nis2watch.db");
    let mut start = 0;
    let mut all = Vec::new();
    for round in 0..KILLS {
        all.extend(killed_writer("write_until_killed", &path, start, 50 + 170 * round).await);
        let store = open(&path);
        let noted = store.transitions(Filter::default(), usize::MAX).await.unwrap();
        let present: Vec<i64> = noted.iter().map(|record| record.transition.at.timestamp() - 1_800_000_000).collect();
        for number in &all {
            assert!(present.contains(number), "round {round}: {number} was acknowledged and is lost");
        }
        let chain = store.verify(vec![]).await.unwrap();
        let records = store.chain(0, usize::MAX).await.unwrap();
        assert_eq!((chain.records, chain.breaks), (records.len() as u64, vec![]));
        assert_eq!(records.iter().filter(|record| record.kind == "transition").count(), noted.len());
        for latest in store.latest().await.unwrap() {
            let newest = noted.iter().find(|record| record.transition.asset == latest.asset).unwrap();
            assert_eq!((latest.verdict, latest.since), (newest.transition.to, newest.transition.at));
        }
        // the next child goes on where each asset is in the same state
        let last = present.iter().max().unwrap();
        start = (last / CALLERS + 1) * CALLERS;
        for number in start - CALLERS..start {
            store.record(vec![result(number)]).await.unwrap();
        }
        // two rounds of verdicts were written if some asset was a whole round ahead; what matters is a common state
        let states: Vec<u8> = store.latest().await.unwrap().iter().map(|latest| latest.verdict.code()).collect();
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_signature_that_was_written_beside_the_daemon_and_the_chain_holds_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nis2watch.db");
    // this process is the daemon: it holds the store and goes on recording
    let store = Arc::new(open(&path));
    let mut signed = Vec::new();
    for round in 0..2 {
        let start = round * 1_000;
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let recording = tokio::spawn({
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            async move {
                let mut number = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    store.record(vec![result(number)]).await.unwrap();
                    number += 1;
                }
            }
        });
        signed.extend(killed_writer("sign_until_killed", &path, start, 40).await);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        recording.await.unwrap();
        let acts = store.acts(0).await.unwrap();
        let present: Vec<i64> = acts.iter().map(|record| record.act.at.timestamp() - 1_800_000_000).collect();
        for number in &signed {
            assert!(present.contains(number), "{number} was acknowledged and is lost");
        }
        assert_eq!(store.acts(acts[0].seq).await.unwrap().len(), acts.len() - 1);
        assert_eq!(store.verify(vec![]).await.unwrap().breaks, vec![]);
    }
    // what is beside the daemon may sign, and nothing else
    let beside = Sqlite::open_beside(&Config { path, ..Config::default() }).unwrap();
    assert!(beside.record(vec![result(1)]).await.is_err());
    assert!(beside.act(act(9_000)).await.is_ok());
}
