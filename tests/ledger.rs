//! Proof on the command line: what an auditor can establish from a file alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_types, reason = "a test starts the program and waits for it")]

use std::path::Path;
use std::process::{Command, Output};

use chrono::DateTime;
use nis2watch::model::{
    AssetId, CheckId, CheckResult, Evidence, Judgement, Params, Severity, Time, Value, Verdict, ZoneId,
};
use nis2watch::store::{Config, Sqlite, Store};

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn result(asset: &str, verdict: Verdict, second: i64) -> CheckResult {
    CheckResult {
        asset: AssetId::parse(asset).unwrap(),
        zone: ZoneId::parse("cell-1").unwrap(),
        check: CheckId::parse("ssh-root-login").unwrap(),
        check_version: 1,
        severity: Severity::High,
        controls: Vec::new(),
        judgement: Judgement {
            verdict,
            reason: format!("it is \"{verdict}\" – line\nbreak"),
            observed: Value::Int(second),
            expected: Value::Null,
            params: Params::default(),
        },
        evidence: Evidence::default(),
        at: at(second),
        duration_ms: 1,
    }
}

/// A store with a few records.
async fn store(folder: &Path) -> Sqlite {
    let store = Sqlite::open(&Config { path: folder.join("s.db"), ..Config::default() }).unwrap();
    for second in 0..6 {
        let verdict = if second % 2 == 0 { Verdict::Fail } else { Verdict::Pass };
        store.record(vec![result("plc-1", verdict, second), result("plc-2", Verdict::Pass, second)]).await.unwrap();
    }
    store
}

fn run(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nis2watch")).args(words).current_dir(folder).env_clear().output().unwrap()
}

fn out(ran: &Output) -> String {
    String::from_utf8(ran.stdout.clone()).unwrap() + &String::from_utf8_lossy(&ran.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_file_alone_is_enough_to_prove_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(store(folder.path()).await);
    for words in [&["ledger", "head"][..], &["ledger", "verify"]] {
        let ran = run(folder.path(), &[words, &["--store", "s.db"]].concat());
        assert_eq!(ran.status.code(), Some(0), "{}", out(&ran));
    }
    std::fs::write(folder.path().join("n.yaml"), "store: { path: s.db }\ninventory: [gone.yaml]\n").unwrap();
    let ran = run(folder.path(), &["ledger", "verify", "-c", "n.yaml"]);
    assert!(out(&ran).contains("all as they were written"), "{}", out(&ran));
    let without = run(folder.path(), &["ledger", "verify", "-c", "gone.yaml"]);
    assert_eq!(without.status.code(), Some(1));
}
