use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};

use super::*;
use crate::model::CheckResult;
use crate::model::{Cause, ControlId, Evidence, EvidenceItem, Judgement, Severity, Transport, Value, Verdict, ZoneId};
use crate::store::{BaselineChange, Digest, Sighting};

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

fn result(asset: &str, check: &str, verdict: Verdict, time: Time) -> CheckResult {
    CheckResult {
        asset: AssetId::parse(asset).unwrap(),
        zone: ZoneId::parse("cell-1").unwrap(),
        check: CheckId::parse(check).unwrap(),
        check_version: 1,
        severity: Severity::High,
        controls: vec![ControlId::parse("IAM-02").unwrap()],
        judgement: Judgement {
            verdict,
            reason: format!("it is {verdict}"),
            observed: Value::text("yes"),
            expected: Value::list([Value::text("no")]),
            params: Arc::new([(Arc::from("min"), Value::Int(3))].into()),
        },
        evidence: Evidence { items: vec![item("sshd -T")], vantage: "daemon".into(), ..Evidence::default() },
        at: time,
        duration_ms: 12,
    }
}

fn item(question: &str) -> EvidenceItem {
    EvidenceItem {
        fact: FactId::parse("linux.sshd").unwrap(),
        transport: Transport::Ssh,
        question: question.into(),
        answer_sha256: "ab".repeat(32),
        asked_at: at(0),
        took_ms: 5,
        cause: None,
    }
}

fn in_memory() -> Sqlite {
    Sqlite::open(&Config { path: IN_MEMORY.into(), ..Config::default() }).unwrap()
}

fn config(folder: &tempfile::TempDir) -> Config {
    Config { path: folder.path().join("s.db"), ..Config::default() }
}

fn pair(asset: &str, check: &str) -> (AssetId, CheckId) {
    (AssetId::parse(asset).unwrap(), CheckId::parse(check).unwrap())
}

#[tokio::test]
async fn only_a_new_state_word_is_a_transition_and_moves_the_since_time() {
    let store = in_memory();
    let first = store.record(vec![result("a", "c", Verdict::Unknown(Cause::Timeout), at(0))]).await.unwrap();
    assert_eq!((first[0].from, first[0].to), (None, Verdict::Unknown(Cause::Timeout)));
    let other_cause = store.record(vec![result("a", "c", Verdict::Unknown(Cause::Auth), at(10))]).await.unwrap();
    assert_eq!(other_cause, []);
    let latest = store.latest().await.unwrap();
    assert_eq!((latest[0].verdict, latest[0].since, latest[0].at), (Verdict::Unknown(Cause::Auth), at(0), at(10)));

    let good = store.record(vec![result("a", "c", Verdict::Pass, at(20))]).await.unwrap();
    assert_eq!(good[0].from, Some(Verdict::Unknown(Cause::Auth)));
    store.record(vec![result("a", "c", Verdict::Pass, at(30))]).await.unwrap();
    let latest = store.latest().await.unwrap();
    assert_eq!((latest[0].since, latest[0].at), (at(20), at(30)));
    let noted = store.transitions(Filter::default(), 10).await.unwrap();
    assert_eq!(
        noted.iter().map(|record| record.seq).collect::<Vec<_>>(),
        [3, 1],
        "the other cause is a record, but no transition"
    );
    assert_eq!(noted[0].transition, good[0]);
}

#[tokio::test]
async fn a_restart_shows_the_same_states_and_times() {
    let folder = tempfile::tempdir().unwrap();
    let visit = Visit {
        asset: AssetId::parse("a").unwrap(),
        at: at(5),
        duration: Duration::from_millis(1234),
        reachable: vec![(Transport::Ssh, true), (Transport::Snmp, false)],
    };
    let (before, results) = {
        let store = Sqlite::open(&config(&folder)).unwrap();
        store
            .record(vec![result("a", "c", Verdict::Fail, at(0)), result("b", "c", Verdict::Waived, at(1))])
            .await
            .unwrap();
        store.record(vec![result("a", "c", Verdict::Fail, at(60))]).await.unwrap();
        let seen = Seen { visit: Some(visit.clone()), ..Seen::default() };
        store.record_all(vec![seen]).await.unwrap();
        store.set_flag("kill-switch", true, "p-1", at(9)).await.unwrap();
        store.keep_note("place", "7").await.unwrap();
        store.keep_note("place", "8").await.unwrap();
        (store.latest().await.unwrap(), store.results(Filter::default(), 10).await.unwrap())
    };
    let store = Sqlite::open(&config(&folder)).unwrap();
    assert_eq!(store.latest().await.unwrap(), before);
    assert_eq!((before[0].since, before[0].at), (at(0), at(60)));
    assert_eq!(store.results(Filter::default(), 10).await.unwrap(), results);
    assert_eq!(results[0].result, result("a", "c", Verdict::Fail, at(60)));
    let visits = store.last_visits().await.unwrap();
    assert_eq!((visits[0].at, visits[0].duration, visits[0].reachable.len()), (visit.at, visit.duration, 2));
    assert!(store.flag("kill-switch").await.unwrap());
    assert!(!store.flag("other").await.unwrap());
    assert_eq!(store.note("place").await.unwrap().as_deref(), Some("8"));
    assert_eq!(store.note("kill-switch").await.unwrap(), None);
}

#[tokio::test]
async fn equal_judgements_in_a_row_are_one_entry_of_the_history() {
    let store = in_memory();
    let (asset, check) = pair("a", "c");
    for (second, verdict) in [(0, Verdict::Pass), (1, Verdict::Pass), (2, Verdict::Fail), (3, Verdict::Pass)] {
        store.record(vec![result("a", "c", verdict, at(second))]).await.unwrap();
    }
    let history = store.evidence(&asset, &check, 10).await.unwrap();
    let seen: Vec<_> =
        history.iter().map(|entry| (entry.result.judgement.verdict, entry.times, entry.first_at)).collect();
    assert_eq!(seen, [(Verdict::Pass, 1, at(3)), (Verdict::Fail, 1, at(2)), (Verdict::Pass, 2, at(0))]);
    assert_eq!(store.evidence(&asset, &check, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn evidence_is_bounded_in_number_and_age_and_transitions_are_not() {
    let store = Sqlite::open(&Config { path: IN_MEMORY.into(), keep_evidence: 3, ..Config::default() }).unwrap();
    let (asset, check) = pair("a", "c");
    for second in 0..10 {
        let verdict = if second % 2 == 0 { Verdict::Pass } else { Verdict::Fail };
        store.record(vec![result("a", "c", verdict, at(second))]).await.unwrap();
    }
    assert_eq!(store.evidence(&asset, &check, 100).await.unwrap().len(), 4, "three and the latest");
    let much_later = at(0) + TimeDelta::days(500);
    store.record(vec![result("b", "c", Verdict::Pass, much_later)]).await.unwrap();
    let left = store.evidence(&asset, &check, 100).await.unwrap();
    assert_eq!(left.len(), 1, "the latest verdict stays, whatever its age");
    assert_eq!(store.transitions(Filter::default(), 100).await.unwrap().len(), 11);
    assert!(store.verify(vec![]).await.unwrap().is_intact());
}

#[tokio::test]
async fn texts_of_devices_are_bounded_and_still_read_back() {
    let store = in_memory();
    let mut big = result("a", "c", Verdict::Fail, at(0));
    big.judgement.observed = Value::list((0..100_000).map(Value::Int));
    big.judgement.params = Arc::new([(Arc::from("list"), Value::text("\"é".repeat(20_000)))].into());
    big.judgement.reason = "é".repeat(5_000);
    big.evidence.items = (0..500).map(|_| item(&"x".repeat(3_000))).collect();
    store.record(vec![big.clone()]).await.unwrap();
    store.record(vec![big]).await.unwrap();
    let back = store.results(Filter::default(), 1).await.unwrap().remove(0);
    assert_eq!(back.times, 2, "cutting is the same each time");
    assert!(back.result.judgement.observed.as_text().unwrap().ends_with("bytes, cut)"));
    for text in [
        rows::json(&back.result.judgement.observed),
        rows::json(&back.result.judgement.params),
        rows::json(&back.result.evidence),
    ] {
        assert!(text.len() <= rows::TEXT_CAP, "{}", text.len());
    }
    assert!(!back.result.evidence.items.is_empty());
}

#[tokio::test]
async fn a_pair_that_left_the_plan_is_gone_but_not_unnoticed() {
    let store = in_memory();
    store.record(vec![result("a", "c", Verdict::Fail, at(0)), result("b", "c", Verdict::Pass, at(0))]).await.unwrap();
    assert_eq!(store.retain(vec![pair("b", "c")], at(9)).await.unwrap(), 1);
    assert_eq!(store.latest().await.unwrap().len(), 1);
    let (asset, check) = pair("a", "c");
    assert_eq!(store.evidence(&asset, &check, 9).await.unwrap().len(), 1, "its evidence stays");
    assert_eq!(store.head().await.unwrap().unwrap().seq, 3, "leaving is in the chain");
    let back = store.record(vec![result("a", "c", Verdict::Fail, at(20))]).await.unwrap();
    assert_eq!(back[0].from, None);
    assert_eq!(store.latest().await.unwrap()[0].since, at(20));
    assert!(store.verify(vec![]).await.unwrap().is_intact());
}

#[tokio::test]
async fn the_past_of_a_pair_begins_with_how_it_stood_and_knows_when_it_left() {
    let store = in_memory();
    for (verdict, time) in [(Verdict::Fail, 0), (Verdict::Pass, 10), (Verdict::Warn, 30)] {
        store
            .record(vec![result("a", "c", verdict, at(time)), result("b", "c", Verdict::Pass, at(time))])
            .await
            .unwrap();
    }
    store.retain(vec![pair("b", "c")], at(40)).await.unwrap();
    let changes = store.changes(at(20)).await.unwrap();
    let told: Vec<_> = changes.iter().map(|one| (one.asset.as_str(), one.from, one.to, one.at)).collect();
    assert_eq!(
        told,
        [
            ("b", None, Some(Verdict::Pass), at(0)),
            ("a", Some(Verdict::Fail), Some(Verdict::Pass), at(10)),
            ("a", Some(Verdict::Pass), Some(Verdict::Warn), at(30)),
            ("a", Some(Verdict::Warn), None, at(40)),
        ]
    );
}

#[tokio::test]
async fn results_and_transitions_are_filtered() {
    let store = in_memory();
    store
        .record(vec![
            result("a", "c1", Verdict::Fail, at(0)),
            result("a", "c2", Verdict::Pass, at(1)),
            result("b", "c1", Verdict::Fail, at(2)),
        ])
        .await
        .unwrap();
    let fails = Filter { state: Some("fail".into()), ..Filter::default() };
    assert_eq!(store.results(fails.clone(), 10).await.unwrap().len(), 2);
    let of_b = Filter { asset: AssetId::parse("b").ok(), ..fails };
    assert_eq!(store.transitions(of_b, 10).await.unwrap().len(), 1);
    let early = Filter { until: Some(at(2)), from: Some(at(1)), ..Filter::default() };
    assert_eq!(store.transitions(early, 10).await.unwrap()[0].transition.at, at(1));
    let zone = Filter { zone: ZoneId::parse("other").ok(), check: CheckId::parse("c1").ok(), ..Filter::default() };
    assert_eq!(store.results(zone, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_key_keeps_the_time_it_was_first_seen() {
    let store = in_memory();
    let (asset, fact) = (AssetId::parse("a").unwrap(), FactId::parse("linux.updates").unwrap());
    let seen = async |keys: &[&str], now: Time| {
        store.first_seen(&asset, &fact, keys.iter().map(ToString::to_string).collect(), now).await.unwrap()
    };
    let day = |days: i64| at(0) + TimeDelta::days(days);
    let long = "k".repeat(5_000);
    assert_eq!(seen(&["openssl 3.1", &long], day(0)).await, [day(0), day(0)]);
    assert_eq!(seen(&[&long, "bash 5", "openssl 3.1"], day(20)).await, [day(0), day(20), day(0)]);
    assert_eq!(seen(&["bash 5"], day(40)).await, [day(20)]);
    assert_eq!(seen(&["openssl 3.1"], day(45)).await, [day(0)], "within the grace");
    assert_eq!(seen(&["openssl 3.1"], day(51)).await, [day(0)]);
    assert_eq!(seen(&["openssl 3.1", &long], day(52)).await, [day(0), day(52)], "one is back too late");
    assert_eq!(seen(&["bash 5"], day(10)).await, [day(10)], "never later than now");
}

#[tokio::test]
async fn samples_are_kept_as_far_back_as_a_comparison_needs_them() {
    let store = in_memory();
    let (asset, fact) = (AssetId::parse("a").unwrap(), FactId::parse("snmp.auth").unwrap());
    let hour = TimeDelta::hours(1);
    let keep = async |minute: i64, every: bool| {
        let now = at(60 * minute);
        let sample = Sample { at: now, numbers: [("bad".into(), minute)].into() };
        store.keep_sample(&asset, &fact, sample, now - hour, every).await.unwrap();
        let samples = store.samples(&asset, &fact, now - hour).await.unwrap();
        samples.iter().map(|sample| sample.numbers["bad"]).collect::<Vec<_>>()
    };
    assert_eq!(keep(0, false).await, [0]);
    assert_eq!(keep(1, false).await, [0], "hardly newer");
    assert_eq!(keep(2, true).await, [0, 2], "every one counts");
    assert_eq!(keep(30, false).await, [0, 2, 30]);
    assert_eq!(keep(61, false).await, [0, 2, 30, 61]);
    assert_eq!(keep(65, false).await, [2, 30, 61, 65], "one from before the hour stays");
    assert_eq!(keep(300, false).await, [65, 300]);
    assert_eq!(keep(10, false).await, [10], "a clock that ran ahead was set back");
}

#[tokio::test]
async fn a_store_that_is_gone_with_the_process_keeps_no_samples() {
    let store = Sqlite::for_one_round().unwrap();
    let (asset, fact) = (AssetId::parse("a").unwrap(), FactId::parse("snmp.auth").unwrap());
    let sample = Sample { at: at(0), numbers: [("bad".into(), 1)].into() };
    store.keep_sample(&asset, &fact, sample, at(0), true).await.unwrap();
    assert_eq!(store.samples(&asset, &fact, at(0)).await.unwrap(), []);
}

#[tokio::test]
async fn host_keys_are_learnt_by_endpoint_and_forgotten_by_asset() {
    let store = in_memory();
    let asset = AssetId::parse("a").unwrap();
    assert_eq!(store.host_keys(&asset, "10.0.0.5:22").await.unwrap(), [""; 0]);
    store.learn_host_key(&asset, "10.0.0.5:22", "SHA256:x", at(0)).await.unwrap();
    store.learn_host_key(&asset, "10.0.0.5:22", "SHA256:x", at(9)).await.unwrap();
    assert_eq!(store.host_keys(&asset, "10.0.0.5:22").await.unwrap(), ["SHA256:x"]);
    assert_eq!(store.host_keys(&asset, "10.0.0.5:2222").await.unwrap(), [""; 0]);
    assert_eq!(store.forget_host_keys(&asset, "p-1", at(10)).await.unwrap(), 1);
}

#[tokio::test]
async fn many_writers_share_transactions_and_all_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    let visits = (0..200).map(|n| store.record(vec![result(&format!("a{n}"), "c", Verdict::Pass, at(n))]));
    for answer in futures::future::join_all(visits).await {
        assert_eq!(answer.unwrap().len(), 1);
    }
    let found = store.verify(store.head().await.unwrap().into_iter().collect()).await.unwrap();
    assert_eq!((found.records, found.is_intact()), (200, true));
}

fn act(number: i64) -> Act {
    Act {
        kind: "attest.sign".into(),
        subject: "a".into(),
        actor: "p-014".into(),
        reason: "reviewed".into(),
        body: format!("{{\"n\":{number}}}"),
        at: at(number),
    }
}

#[tokio::test]
async fn an_act_stands_in_the_chain_beside_transitions_and_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    store.record(vec![result("a", "attest.sign", Verdict::Fail, at(0))]).await.unwrap();
    assert_eq!(store.act(act(1)).await.unwrap().seq, 2);
    store.act(act(2)).await.unwrap();
    let acts = store.acts(2).await.unwrap();
    assert_eq!((acts.len(), acts[0].seq, &acts[0].act), (1, 3, &act(2)));
    assert_eq!(store.transitions(Filter::default(), 9).await.unwrap().len(), 1);
    assert!(store.verify(vec![]).await.unwrap().is_intact());
    let long = Act { body: "x".repeat(70_000), ..act(3) };
    assert!(matches!(store.act(long).await, Err(StoreError::TooLong { .. })));
    Connection::open(folder.path().join("s.db"))
        .unwrap()
        .execute("UPDATE ledger SET actor = 'x' WHERE seq = 2", [])
        .unwrap();
    assert_eq!(
        store.verify(vec![]).await.unwrap().breaks[0].problem,
        "was changed: its content does not give its digest"
    );
}

/// A store as format 1 left it: a chain that vouches for nothing beside it.
async fn older_store(folder: &tempfile::TempDir) -> Head {
    let store = Sqlite::open(&config(folder)).unwrap();
    let (asset, fact) = (AssetId::parse("a").unwrap(), FactId::parse("linux.updates").unwrap());
    let told = store.record(vec![result("a", "c", Verdict::Fail, at(0))]).await.unwrap();
    store.learn_host_key(&asset, "10.0.0.5:22", "SHA256:x", at(0)).await.unwrap();
    store.first_seen(&asset, &fact, vec!["bash".into()], at(0)).await.unwrap();
    store.set_flag("traffic_stopped", true, "p-1", at(0)).await.unwrap();
    drop(store);
    let connection = Connection::open(folder.path().join("s.db")).unwrap();
    connection.execute_batch("DELETE FROM ledger; DELETE FROM ledger_head").unwrap();
    let mut plain = ledger::Event::of(&told[0], &seal::Bound::default());
    plain.act = [None, None];
    ledger::append(&connection, &plain).unwrap();
    let back = "ALTER TABLE latest DROP COLUMN digest; ALTER TABLE evidence DROP COLUMN digest; \
        ALTER TABLE evidence DROP COLUMN ended_by; DROP TABLE baselines; DROP TABLE approvals; DROP TABLE change_plans; \
        DROP TABLE samples; DROP INDEX ledger_acts; \
        ALTER TABLE ledger DROP COLUMN actor; ALTER TABLE ledger DROP COLUMN body; PRAGMA user_version = 1";
    let head = ledger::head(&connection).unwrap().unwrap();
    connection.execute_batch(back).unwrap();
    head
}

#[tokio::test]
async fn the_chain_of_an_older_format_is_intact_after_the_change_and_vouches_for_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let head = older_store(&folder).await;
    assert!(Sqlite::open_read_only(&config(&folder)).is_err());
    let store = Sqlite::open(&config(&folder)).unwrap();
    store.act(act(1)).await.unwrap();
    store.record(vec![result("a", "c", Verdict::Fail, at(5)), result("a", "c", Verdict::Pass, at(6))]).await.unwrap();
    let found = store.verify(vec![head]).await.unwrap();
    assert_eq!((found.records, found.breaks), (8, vec![]));
    drop(store);
    Connection::open(folder.path().join("s.db")).unwrap().execute("DELETE FROM host_keys", []).unwrap();
    let found = Sqlite::open_read_only(&config(&folder)).unwrap().verify(vec![]).await.unwrap();
    assert!(found.breaks[0].problem.contains("SHA256:x"), "{:?}", found.breaks);
}

/// A chain of four records, then what somebody does to the file behind the store's back.
async fn tampered(sql: &str) -> Verification {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    for second in 0..4 {
        let verdict = if second % 2 == 0 { Verdict::Fail } else { Verdict::Pass };
        store.record(vec![result("a", "c", verdict, at(second))]).await.unwrap();
    }
    let anchor = store.head().await.unwrap();
    drop(store);
    Connection::open(folder.path().join("s.db")).unwrap().execute_batch(sql).unwrap();
    Sqlite::open_read_only(&config(&folder)).unwrap().verify(anchor.into_iter().collect()).await.unwrap()
}

#[tokio::test]
async fn an_untouched_chain_is_intact() {
    let found = tampered("SELECT 1").await;
    assert_eq!((found.records, found.breaks), (4, vec![]));
}

#[tokio::test]
async fn tampering_with_the_chain_is_noticed() {
    for (sql, seq, what) in [
        ("UPDATE ledger SET reason = 'fine' WHERE seq = 3", 3, "was changed"),
        ("UPDATE ledger SET to_cause = '' WHERE seq = 2", 2, "was changed"),
        ("UPDATE ledger SET actor = '' WHERE seq = 2", 2, "was changed"),
        ("UPDATE ledger SET body = '{}' WHERE seq = 2", 2, "was changed"),
        ("UPDATE ledger SET from_state = NULL, kind = 'transitionfail' WHERE seq = 2", 2, "was changed"),
        ("DELETE FROM ledger WHERE seq = 2", 2, "missing"),
        (
            "UPDATE ledger SET seq = 9 WHERE seq = 2; UPDATE ledger SET seq = 2 WHERE seq = 3; UPDATE ledger SET seq = 3 WHERE seq = 9",
            2,
            "does not follow",
        ),
        ("DELETE FROM ledger WHERE seq = 4", 4, "noted in the store"),
        (
            "DELETE FROM ledger WHERE seq = 4; UPDATE ledger_head SET seq = 3, digest = (SELECT digest FROM ledger WHERE seq = 3)",
            4,
            "noted elsewhere",
        ),
        ("DELETE FROM ledger; DELETE FROM ledger_head", 1, "noted elsewhere"),
        ("UPDATE latest SET state = 'waived'", 4, "the chain says pass"),
    ] {
        let found = tampered(sql).await;
        let told = found.breaks.iter().any(|place| place.seq == seq && place.problem.contains(what));
        assert!(told, "{sql}: {:?}", found.breaks);
    }
}

/// A store with something in every table, ended in order, then what somebody does to the file.
async fn tampered_beside(sql: &str) -> Verification {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    let (asset, fact) = (AssetId::parse("a").unwrap(), FactId::parse("linux.updates").unwrap());
    for (second, observed) in [(0, "x"), (1, "y"), (2, "y"), (3, "z"), (4, "z")] {
        let mut seen = result("a", "c", Verdict::Fail, at(second));
        seen.judgement.observed = Value::text(observed);
        let duration = Duration::from_millis(5);
        let visit = Visit { asset: asset.clone(), at: at(second), duration, reachable: vec![(Transport::Ssh, true)] };
        store.record_all(vec![Seen { results: vec![seen], visit: Some(visit), ..Seen::default() }]).await.unwrap();
    }
    store.record(vec![result("b", "c", Verdict::Pass, at(5))]).await.unwrap();
    store.learn_host_key(&asset, "10.0.0.5:22", "SHA256:x", at(0)).await.unwrap();
    store.first_seen(&asset, &fact, vec!["bash".into(), "ssl".into()], at(0)).await.unwrap();
    store.set_flag("traffic_stopped", true, "p-1", at(7)).await.unwrap();
    store
        .keep_sample(&asset, &fact, Sample { at: at(0), numbers: [("n".into(), 1)].into() }, at(0), true)
        .await
        .unwrap();
    store.checkpoint(at(9)).await.unwrap();
    drop(store);
    Connection::open(folder.path().join("s.db")).unwrap().execute_batch(sql).unwrap();
    Sqlite::open_read_only(&config(&folder)).unwrap().verify(vec![]).await.unwrap()
}

#[tokio::test]
async fn all_that_stands_beside_the_chain_is_intact_until_somebody_touches_it() {
    let found = tampered_beside("SELECT 1").await;
    assert_eq!((found.breaks, found.notes), (vec![], Vec::<String>::new()));
}

#[tokio::test]
async fn tampering_with_what_stands_beside_the_chain_is_noticed_and_placed() {
    for (sql, place, what) in [
        ("UPDATE latest SET reason = 'fine' WHERE asset = 'a'", "a c", "not the one that the chain vouches for"),
        ("UPDATE latest SET observed = '1' WHERE asset = 'a'", "a c", "not the one that the chain vouches for"),
        ("UPDATE latest SET expected = '1' WHERE asset = 'a'", "a c", "not the one that the chain vouches for"),
        ("UPDATE latest SET params = '{}' WHERE asset = 'a'", "a c", "not the one that the chain vouches for"),
        ("UPDATE latest SET since = since - 1 WHERE asset = 'a'", "a c", "not the one that the chain vouches for"),
        (
            "UPDATE latest SET first_at = first_at - 1 WHERE asset = 'a'",
            "a c",
            "not the one that the chain vouches for",
        ),
        ("UPDATE latest SET severity = 'low' WHERE asset = 'a'", "a c", "not the one that the chain vouches for"),
        ("UPDATE latest SET at = at + 1 WHERE asset = 'a'", "a c", "times or the evidence"),
        ("UPDATE latest SET times = 900 WHERE asset = 'a'", "a c", "times or the evidence"),
        ("UPDATE latest SET evidence = '{}' WHERE asset = 'a'", "a c", "times or the evidence"),
        ("UPDATE latest SET digest = zeroblob(32) WHERE asset = 'a'", "latest", "differs from this checkpoint"),
        ("DELETE FROM latest WHERE asset = 'b'", "b c", "is gone"),
        ("UPDATE latest SET asset = 'n' WHERE asset = 'b'", "n c", "no record"),
        ("UPDATE evidence SET observed = '1' WHERE id = 1", "entry 1 of the history of a c", "vouches for"),
        ("UPDATE evidence SET times = 7 WHERE id = 2", "entry 2 of the history of a c", "vouches for"),
        ("UPDATE evidence SET digest = NULL, ended_by = NULL WHERE id = 2", "entry 2 of", "no record"),
        ("DELETE FROM evidence WHERE id = 2", "the history of a c", "has 1 entries, the chain says 2"),
        ("UPDATE host_keys SET fingerprint = 'SHA256:y'", "SHA256:y of a", "was not learnt so"),
        ("DELETE FROM host_keys", "SHA256:x of a at 10.0.0.5:22", "is not there"),
        ("UPDATE first_seen SET first_at = first_at + 1 WHERE item = 'ssl'", "linux.updates on a", "was changed"),
        ("DELETE FROM first_seen WHERE item = 'bash'", "linux.updates on a", "was changed"),
        ("DELETE FROM first_seen", "linux.updates on a", "was changed"),
        ("UPDATE first_seen SET last_at = 1", "first_seen", "differs from this checkpoint"),
        (
            "UPDATE settings SET value = 'off' WHERE name = 'flag.traffic_stopped'",
            "traffic_stopped",
            "the chain says on",
        ),
        ("UPDATE visits SET reachable = '{}'", "visits", "differs from this checkpoint"),
        ("UPDATE samples SET numbers = '{}'", "samples", "differs from this checkpoint"),
    ] {
        let found = tampered_beside(sql).await;
        let told = found.breaks.iter().any(|one| one.problem.contains(place) && one.problem.contains(what));
        let told =
            told || found.breaks.iter().any(|one| one.to_string().contains(place) && one.to_string().contains(what));
        assert!(told, "{sql}: {:?}", found.breaks);
    }
}

#[tokio::test]
async fn what_was_written_since_a_checkpoint_is_said_to_be_not_compared() {
    let store = in_memory();
    store.record(vec![result("a", "c", Verdict::Pass, at(0))]).await.unwrap();
    let before = store.verify(vec![]).await.unwrap();
    assert!(before.is_intact() && before.notes[0].contains("no checkpoint yet"), "{before:?}");
    store.checkpoint(at(1)).await.unwrap();
    assert_eq!(store.verify(vec![]).await.unwrap().notes, Vec::<String>::new());
    store.record(vec![result("a", "c", Verdict::Pass, at(2))]).await.unwrap();
    let after = store.verify(vec![]).await.unwrap();
    assert!(after.is_intact() && after.notes[0].starts_with("1 writes since"), "{after:?}");
}

#[tokio::test]
async fn a_second_process_and_a_writing_reader_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    let second = Sqlite::open(&config(&folder)).err().unwrap();
    assert!(
        matches!(&second, StoreError::InUse { holder, .. } if *holder == format!("process {}", std::process::id()))
    );
    store.record(vec![result("a", "c", Verdict::Pass, at(0))]).await.unwrap();
    let reader = Sqlite::open_read_only(&config(&folder)).unwrap();
    assert_eq!(reader.latest().await.unwrap().len(), 1, "reading beside the daemon works");
    assert!(matches!(reader.set_flag("x", true, "p-1", at(0)).await, Err(StoreError::ReadOnly)));
}

#[test]
fn files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.db"), "").unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
    drop(store);
}

#[test]
fn a_newer_a_foreign_and_a_damaged_file_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |prepare: &dyn Fn(&Path)| {
        let path = folder.path().join("s.db");
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("s.db{suffix}")));
        }
        prepare(&path);
        Sqlite::open(&config(&folder)).err().expect("refused").to_string()
    };
    let newer = refusal(&|path| {
        drop(Sqlite::open(&Config { path: path.to_owned(), ..Config::default() }).unwrap());
        Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    });
    assert!(newer.contains("format 99"), "{newer}");
    let foreign = refusal(&|path| Connection::open(path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap());
    assert!(foreign.contains("another program"), "{foreign}");
    let text = refusal(&|path| std::fs::write(path, "this is no database, ".repeat(500)).unwrap());
    assert!(text.contains("damaged or not a nis2watch store"), "{text}");
    let holes = refusal(&|path| {
        drop(Sqlite::open(&Config { path: path.to_owned(), ..Config::default() }).unwrap());
        let mut bytes = std::fs::read(path).unwrap();
        bytes[4096..8192].fill(0xff);
        std::fs::write(path, bytes).unwrap();
    });
    assert!(holes.contains("damaged"), "{holes}");
    let nowhere =
        Sqlite::open(&Config { path: folder.path().join("no/such/s.db"), ..Config::default() }).err().unwrap();
    assert!(nowhere.to_string().contains("directory must exist"), "{nowhere}");
}

#[tokio::test]
async fn a_failed_write_is_told_and_does_not_harm_the_next() {
    let store = in_memory();
    let failing: Answer<'_, ()> = store
        .write(1, |connection| Ok(connection.execute_batch("INSERT INTO settings VALUES ('half', 'x'); BAD SQL")?));
    assert!(matches!(failing.await, Err(StoreError::Database(_))));
    store.record(vec![result("a", "c", Verdict::Pass, at(0))]).await.unwrap();
    let halves = store.read(|connection| {
        Ok(connection.query_row("SELECT count(*) FROM settings WHERE name = 'half'", [], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(halves.await.unwrap(), 0);
}

#[tokio::test]
async fn work_is_refused_when_the_database_gave_up_the_transaction() {
    let store = in_memory();
    let lost: Answer<'_, ()> = store.write(1, |connection| Ok(connection.execute_batch("ROLLBACK; SAVEPOINT one")?));
    // the work ended the transaction itself, as a full disk does; its savepoint is then the outermost one
    assert!(matches!(lost.await, Err(StoreError::Commit(_))));
    store.record(vec![result("a", "c", Verdict::Pass, at(0))]).await.unwrap();
    assert_eq!(store.latest().await.unwrap().len(), 1);
}

fn sighting(sha256: &str, against: Option<u64>, seconds: i64) -> Sighting {
    let (asset, check) = pair("a", "c");
    let zone = ZoneId::parse("cell-1").unwrap();
    let (value, sha256) = (format!("{{\"of\":\"{sha256}\"}}"), sha256.to_owned());
    let standing = if against.is_some() { "differs" } else { "proposed" };
    Sighting { asset, check, zone, value, sha256, standing, against, at: at(seconds) }
}

async fn see(store: &Sqlite, sighting: Sighting) {
    store.record_all(vec![Seen { sightings: vec![sighting], ..Seen::default() }]).await.unwrap();
}

fn deed(kind: &str, sha256: &str, change: BaselineChange) -> BaselineAct {
    let snapshot = Digest::of(format!("{{\"of\":\"{sha256}\"}}").as_bytes());
    let mut body = serde_json::json!({ "check": "c", "sha256": sha256, "snapshot": snapshot.to_string() });
    match &change {
        BaselineChange::Approve { until, .. } => body["valid_until"] = serde_json::json!(until),
        BaselineChange::Plan { ticket, until } => {
            (body["ticket"], body["until"]) = (serde_json::json!(ticket), serde_json::json!(until));
        }
        BaselineChange::Revert => {}
    }
    let act = Act { kind: format!("baseline.{kind}"), subject: "a".into(), body: body.to_string(), ..act(1) };
    BaselineAct { act, check: CheckId::parse("c").unwrap(), change }
}

fn approval(sha256: &str) -> BaselineAct {
    deed("approve", sha256, BaselineChange::Approve { sha256: sha256.into(), until: at(1_000) })
}

async fn baseline(store: &Sqlite) -> Baseline {
    store.baselines(BaselineFilter::default()).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn what_is_approved_is_what_was_looked_at_and_a_revert_brings_back_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&config(&folder)).unwrap();
    see(&store, sighting("one", None, 0)).await;
    see(&store, sighting("one", None, 60)).await;
    let seen = baseline(&store).await;
    assert_eq!((seen.since, seen.standing.as_str(), seen.approval), (at(0), "proposed", None));
    store.act_on_baselines(vec![approval("one")]).await.unwrap();
    let first = baseline(&store).await.approval.unwrap();
    assert_eq!((first.sha256.as_str(), first.until), ("one", Some(at(1_000))));

    see(&store, sighting("two", Some(first.seq), 120)).await;
    let refused = store.act_on_baselines(vec![approval("one")]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Moved { .. }), "{refused}");
    assert_eq!(baseline(&store).await.approval, Some(first.clone()), "a refused act changed something");
    store.act_on_baselines(vec![approval("two")]).await.unwrap();
    assert_eq!(baseline(&store).await.approval.unwrap().sha256, "two");

    for (standing, sha256) in [("differs", Some("one")), ("proposed", None)] {
        store.act_on_baselines(vec![deed("revert", "two", BaselineChange::Revert)]).await.unwrap();
        let now = baseline(&store).await;
        assert_eq!((now.standing.as_str(), now.approval.as_ref().map(|a| a.sha256.as_str())), (standing, sha256));
    }
    assert!(store.act_on_baselines(vec![deed("revert", "two", BaselineChange::Revert)]).await.is_err());
    assert_eq!(store.verify(Vec::new()).await.unwrap().breaks, vec![]);
    drop(store);
    let store = Sqlite::open(&config(&folder)).unwrap();
    assert_eq!(store.acts(0).await.unwrap().len(), 4);
    assert_eq!((baseline(&store).await.sha256.as_str(), baseline(&store).await.since), ("two", at(120)));
}

#[tokio::test]
async fn a_pair_is_looked_at_again_after_an_act_even_one_that_came_while_it_was_compared() {
    let store = in_memory();
    let due = |seconds| {
        let filter = BaselineFilter { due: Some(at(seconds)), ..BaselineFilter::default() };
        let store = store.clone();
        async move { store.baselines(filter).await.unwrap().len() }
    };
    see(&store, sighting("one", None, 0)).await;
    assert_eq!(due(0).await, 0);
    store.act_on_baselines(vec![approval("one")]).await.unwrap();
    // this visit still compared with nothing
    see(&store, sighting("one", None, 10)).await;
    assert_eq!(due(10).await, 1);
    let seq = baseline(&store).await.approval.unwrap().seq;
    see(&store, Sighting { standing: "approved", ..sighting("one", Some(seq), 20) }).await;
    assert_eq!((due(20).await, due(999).await, due(1_000).await), (0, 0, 1));
    let plan = BaselineChange::Plan { ticket: "C-7".into(), until: at(500) };
    store.act_on_baselines(vec![deed("plan", "one", plan)]).await.unwrap();
    assert_eq!((due(20).await, baseline(&store).await.plan.unwrap().ticket.as_str()), (1, "C-7"));
}

#[tokio::test]
async fn an_approved_value_that_was_changed_behind_the_chain_is_noticed() {
    for sql in [
        "SET value = '{}'",
        "SET sha256 = 'two'",
        "SET actor = 'x'",
        "SET until = 5",
        "SET stands = 0",
        "SET reason = 'y'",
    ]
    .map(|set| format!("UPDATE approvals {set}"))
    .into_iter()
    .chain(["DELETE FROM approvals".to_owned()])
    {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&config(&folder)).unwrap();
        see(&store, sighting("one", None, 0)).await;
        store.act_on_baselines(vec![approval("one")]).await.unwrap();
        drop(store);
        Connection::open(folder.path().join("s.db")).unwrap().execute_batch(&sql).unwrap();
        let found = Sqlite::open_read_only(&config(&folder)).unwrap().verify(Vec::new()).await.unwrap();
        assert_eq!(found.breaks.len(), 1, "{sql}");
    }
}

#[tokio::test]
async fn baselines_are_counted_by_zone_and_gone_with_their_pair() {
    let store = in_memory();
    let (asset, check) = pair("a", "c");
    store.record(vec![result("a", "c", Verdict::Pass, at(0))]).await.unwrap();
    see(&store, sighting("one", None, 0)).await;
    store.act_on_baselines(vec![approval("one")]).await.unwrap();
    let summary = store.baseline_summary().await.unwrap();
    assert_eq!(summary.counts, vec![(ZoneId::parse("cell-1").unwrap(), "approved".to_owned(), 1)]);
    assert_eq!(summary.ends, vec![(asset, check, at(1_000))]);
    store.retain(Vec::new(), at(1)).await.unwrap();
    assert_eq!(store.baseline_summary().await.unwrap(), BaselineSummary::default());
}
