//! Proof on the command line: what an auditor can establish from a file alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_types, reason = "a test starts the program and waits for it")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use chrono::DateTime;
use nis2watch::model::{
    AssetId, CheckId, CheckResult, Evidence, Judgement, Params, Severity, Time, Value, Verdict, ZoneId,
};
use nis2watch::store::{Act, Config, Sqlite, Store};

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

/// The program in docs/ledger.md.
fn python() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ledger.md")).unwrap();
    let (_, program) = page.split_once("```python\n").unwrap();
    program.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_chain_is_proven_by_the_program_and_by_thirty_lines_of_python_and_an_edit_is_found_by_both() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let opened = store(folder).await;
    let act = Act {
        kind: "attest.sign".into(),
        subject: "org".into(),
        actor: "Jørgen \u{1f511}".into(),
        reason: "tab\tand \"quotes\" \\ \u{2028}".into(),
        body: "{}".into(),
        at: at(50),
    };
    opened.act(act).await.unwrap();
    let head = opened.head().await.unwrap().unwrap();
    drop(opened);
    let exported = run(folder, &["ledger", "export", "--store", "s.db"]);
    let text = String::from_utf8(exported.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(folder.join("verify.py"), python()).unwrap();
    let noted = head.to_string();
    let cut = lines[..lines.len() - 1].join("\n") + "\n";
    let moved =
        [lines[0], lines[2], lines[1]].into_iter().chain(lines[3..].iter().copied()).collect::<Vec<_>>().join("\n");
    let edited = text.replacen("it is", "it was", 1);
    let missing = text.replacen(&format!("{}\n", lines[3]), "", 1);
    let inserted = text.replacen(lines[2], &format!("{}\n{}", lines[2], lines[2]), 1);
    for (name, chain, code, place) in [
        ("whole", &text, 0, ""),
        ("edited", &edited, 100, "record 1: was changed"),
        ("missing", &missing, 100, "record 4: missing"),
        ("moved", &moved, 100, "record 2: missing"),
        ("inserted", &inserted, 100, "record 4: missing"),
        ("cut", &cut, 100, "missing: the head noted elsewhere"),
    ] {
        let file = format!("{name}.jsonl");
        std::fs::write(folder.join(&file), chain).unwrap();
        let ran = run(folder, &["ledger", "verify", &file, "--head", &noted]);
        assert_eq!(ran.status.code(), Some(code), "{name}: {}", out(&ran));
        assert!(out(&ran).contains(place), "{name}: {}", out(&ran));
        let python = Command::new("python3").args(["verify.py", &file, &noted]).current_dir(folder).output().unwrap();
        assert_eq!(python.status.success(), code == 0, "{name}: {}", out(&python));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_heads_in_a_file_show_a_cut_a_rewritten_past_and_a_forged_anchor() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(store(folder).await);
    let made = run(folder, &["ledger", "keygen", "ledger.key"]);
    assert_eq!(made.status.code(), Some(0), "{}", out(&made));
    let rights = std::fs::metadata(folder.join("ledger.key")).unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o600);
    assert_eq!(run(folder, &["ledger", "keygen", "ledger.key"]).status.code(), Some(1), "a key is never overwritten");
    std::fs::write(folder.join("n.yaml"), "store: { path: s.db }\nledger: { key: { file: ledger.key } }\n").unwrap();
    let signed = run(folder, &["ledger", "head", "--sign", "-c", "n.yaml"]);
    let line = String::from_utf8(signed.stdout).unwrap();
    std::fs::write(folder.join("anchors"), &line).unwrap();
    std::fs::write(folder.join("forged"), line.replace("\"at\":\"2", "\"at\":\"3")).unwrap();
    let exported = run(folder, &["ledger", "export", "--store", "s.db"]);
    std::fs::write(folder.join("c.jsonl"), exported.stdout).unwrap();
    let verify = |what: &[&str], anchors: &str| {
        let words = [&["ledger", "verify"], what, &["--anchor", anchors, "--key", "ledger.key.pub"]].concat();
        let ran = run(folder, &words);
        (ran.status.code(), out(&ran))
    };
    for what in [&["--store", "s.db"][..], &["c.jsonl"]] {
        let good = verify(what, "anchors");
        assert_eq!(good.0, Some(0), "{}", good.1);
        let forged = verify(what, "forged");
        assert!(forged.0 == Some(100) && forged.1.contains("line 1: has a wrong signature"), "{}", forged.1);
    }
    run(folder, &["ledger", "keygen", "other.key"]);
    let other = run(folder, &["ledger", "verify", "--store", "s.db", "--anchor", "anchors", "--key", "other.key.pub"]);
    assert!(other.status.code() == Some(100) && out(&other).contains("is signed by key"), "{}", out(&other));

    let unchecked = run(folder, &["ledger", "verify", "--store", "s.db", "--anchor", "anchors"]);
    let note = String::from_utf8(unchecked.stderr).unwrap();
    assert!(unchecked.status.success() && note.contains("without a public key (--key)"), "{note}");

    let whole = std::fs::read_to_string(folder.join("c.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(folder.join("c.jsonl"), lines[..3].join("\n")).unwrap();
    let cut = verify(&["c.jsonl"], "anchors");
    assert!(cut.0 == Some(100) && cut.1.contains("record 4: missing"), "{}", cut.1);
}
