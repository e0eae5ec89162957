//! The loop on a plant whose assets are not asked: what is recorded, told and found stale.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use nis2watch::app::{Plant, Setup, Shared};
use nis2watch::config::Flags;
use nis2watch::duties::{Book, Papers};
use nis2watch::engine::{Daemon, Listener, Visitor, left_to_daemon};
use nis2watch::model::{AssetId, Cause, CheckResult, Time, Transition, Transport, Value, Verdict};
use nis2watch::store::{self, Sqlite, Store};
use tokio_util::sync::CancellationToken;

/// Longest wait for a first round, which is spread over 20 seconds.
const LIMIT: Duration = Duration::from_secs(100);

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    /// Verdicts of `asset-open-ports` by asset.
    judged: Mutex<BTreeMap<String, Verdict>>,
    /// The same, one after the other.
    told: Mutex<Vec<Verdict>>,
    /// Reasons of the checks of `org`, with their verdicts.
    papers: Mutex<BTreeMap<String, (Verdict, String)>>,
    unrecorded: Mutex<Vec<String>>,
    most_at_once: Mutex<usize>,
}

impl Listener for Notes {
    fn judged(&self, result: &CheckResult, _since: Time) {
        let judgement = &result.judgement;
        if result.check.as_str() == "asset-open-ports" {
            self.told.lock().unwrap().push(judgement.verdict);
            self.judged.lock().unwrap().insert(result.asset.to_string(), judgement.verdict);
        }
        if result.asset.as_str() == "org" {
            let said = (judgement.verdict, judgement.reason.clone());
            self.papers.lock().unwrap().insert(result.check.to_string(), said);
        }
    }
    fn changed(&self, _transition: &Transition) {}
    fn visited(&self, _asset: &AssetId, _at: Time, _took: Duration, _reachable: &[(Transport, bool)]) {}
    fn identified(&self, _asset: &AssetId, _device: &Value) {}
    fn panicked(&self, asset: &AssetId) {
        panic!("a visit to {asset} panicked");
    }
    fn unrecorded(&self, asset: &AssetId) {
        self.unrecorded.lock().unwrap().push(asset.to_string());
    }
    fn load(&self, _lag: TimeDelta, in_flight: usize) {
        let mut most = self.most_at_once.lock().unwrap();
        *most = (*most).max(in_flight);
    }
}

/// A plant on paper with its store.
struct Bench {
    folder: tempfile::TempDir,
    setup: Setup,
    store: Arc<Sqlite>,
}

impl Bench {
    fn new(settings: &str, assets: &str) -> Self {
        Self::with(settings, assets, &[])
    }

    /// With further files beside the configuration.
    fn with(settings: &str, assets: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("nis2watch.yaml", &format!("inventory: [assets.yaml]\nstore: {{ path: store.db }}\n{settings}"));
        write("assets.yaml", assets);
        for (name, text) in files {
            write(name, text);
        }
        let setup = Setup::load(&folder.path().join("nis2watch.yaml"), &Flags::default()).unwrap();
        let config = store::Config { path: folder.path().join("store.db"), ..store::Config::default() };
        Self { store: Arc::new(Sqlite::open(&config).unwrap()), setup, folder }
    }

    fn plant(&self) -> Plant {
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        let shared = Shared::new(&store, Utc::now);
        Plant::new(&self.setup.catalog, &self.setup.loaded.inventory, &self.setup.loaded.schedules, &shared, None)
    }

    /// Lets the loop live until `enough`, then ends it in order.
    async fn run(&self, enough: impl Fn(&Notes) -> bool) -> Arc<Notes> {
        self.watched(|notes, _| enough(notes)).await
    }

    /// The same; `enough` may change what the visitor knows.
    async fn watched(&self, enough: impl Fn(&Notes, &Visitor) -> bool) -> Arc<Notes> {
        let plant = self.plant();
        let store: Arc<dyn Store> = Arc::clone(&self.store) as _;
        let notes = Arc::new(Notes::default());
        let lifecycle = Arc::clone(&self.setup.loaded.lifecycle);
        let visitor = Arc::new(Visitor::new(Arc::clone(&store), lifecycle, Utc::now));
        let daemon = Daemon {
            plan: Arc::clone(&plant.plan),
            contacts: plant.contacts.clone(),
            visitor: Arc::clone(&visitor),
            store,
            listener: Arc::clone(&notes) as _,
            visits_in_flight: 8,
        };
        let stop = CancellationToken::new();
        let life = tokio::spawn(daemon.run(stop.clone()));
        let start = Instant::now();
        while !enough(&notes, &visitor) {
            assert!(start.elapsed() < LIMIT, "{:?}", notes.judged.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
        life.await.unwrap().unwrap();
        notes
    }
}

/// Assets that their owner forbids to ask; they are judged unknown without a packet.
fn inactive(count: usize) -> String {
    let line = |n| format!("- {{ id: plc-{n}, address: 127.0.0.1, zone: cell, kind: plc, active: false }}\n");
    (0..count).map(line).collect()
}

/// Runs SQL beside the store, as a broken disk or a defect would change it under our hands.
fn meddle(folder: &Path, sql: &str) {
    rusqlite::Connection::open(folder.join("store.db")).unwrap().execute_batch(sql).unwrap();
}

const ZONES: &str = "zones: [{ id: cell, role: control }]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_visit_that_cannot_be_recorded_holds_up_no_other_and_is_not_shown() {
    let bench = Bench::new(ZONES, &inactive(40));
    meddle(
        bench.folder.path(),
        "CREATE TRIGGER no BEFORE INSERT ON latest WHEN NEW.asset = 'plc-7' BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    let all_but_one =
        |notes: &Notes| notes.judged.lock().unwrap().len() == 39 && !notes.unrecorded.lock().unwrap().is_empty();
    let notes = bench.run(all_but_one).await;

    assert!(!notes.judged.lock().unwrap().contains_key("plc-7"), "shown without being kept");
    assert_eq!(notes.unrecorded.lock().unwrap().iter().collect::<BTreeSet<_>>(), BTreeSet::from([&"plc-7".to_owned()]));
    let kept: BTreeSet<_> = bench.store.latest().await.unwrap().into_iter().map(|one| one.asset.to_string()).collect();
    assert_eq!(kept.len(), 39);
    assert!(bench.store.verify(vec![]).await.unwrap().is_intact());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_absence_old_verdicts_are_stale_and_after_a_restart_they_are_not() {
    // the first round may take 20 seconds, and the loop ends as soon as something is told
    let settings = format!("{ZONES}schedules: {{ exposure: {{ every: 1h }} }}\n");
    let seen = |bench: &Bench, age: TimeDelta| {
        let plant = bench.plant();
        let planned = plant.plan.asset(0);
        let check = planned.check("asset-open-ports").unwrap();
        let mut result = left_to_daemon(planned, check, Utc::now() - age);
        result.judgement.verdict = Verdict::Pass;
        result
    };
    for (age, expected) in [(TimeDelta::days(3), Some(Verdict::Unknown(Cause::Stale))), (TimeDelta::minutes(123), None)]
    {
        let bench = Bench::new(&settings, &inactive(1));
        let result = seen(&bench, age);
        bench.store.record(vec![result]).await.unwrap();
        let begun = Instant::now();
        // the sweep comes before any visit
        let notes =
            bench.run(|notes| !notes.judged.lock().unwrap().is_empty() || begun.elapsed().as_millis() > 500).await;
        let told = notes.told.lock().unwrap();
        if expected.is_some() {
            assert_eq!(told.first().copied(), expected);
        } else {
            assert!(!told.contains(&Verdict::Unknown(Cause::Stale)), "{told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_judged_in_a_time_that_is_still_to_come_counts_for_nothing_and_is_judged_anew() {
    let bench = Bench::new(&format!("{ZONES}schedules: {{ exposure: {{ every: 1h }} }}\n"), &inactive(1));
    let plant = bench.plant();
    let planned = plant.plan.asset(0);
    let mut result =
        left_to_daemon(planned, planned.check("asset-open-ports").unwrap(), Utc::now() + TimeDelta::days(90));
    result.judgement.verdict = Verdict::Pass;
    bench.store.record(vec![result]).await.unwrap();
    let inactive = Verdict::Unknown(Cause::Inactive);
    let notes = bench.run(|notes| notes.judged.lock().unwrap().get("plc-0") == Some(&inactive)).await;
    assert_eq!(*notes.told.lock().unwrap(), [Verdict::Unknown(Cause::Stale), inactive]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_shows_at_once_and_so_does_its_end() {
    let settings = format!("{ZONES}duties: {{ attestations: [signed.yaml] }}\n");
    let bench = Bench::with(&settings, &inactive(1), &[("signed.yaml", "schema_version: 1\nattestations: []\n")]);
    let statement = |result: &str, ends_in: TimeDelta| {
        let signed_at = (Utc::now() + ends_in - TimeDelta::days(1)).to_rfc3339();
        let text = format!(
            "schema_version: 1\nattestations: [{{ id: a, check: attest-security-policy, subject: org, statement: s, \
             signed_by: {{ person: p, role: r }}, signed_at: {signed_at}, valid_days: 1, result: {result}, \
             evidence: [{{ name: policy.pdf, sha256: {} }}] }}]\n",
            "ab".repeat(32)
        );
        std::fs::write(bench.folder.path().join("signed.yaml"), text).unwrap();
        Setup::load(&bench.folder.path().join("nis2watch.yaml"), &Flags::default()).unwrap().loaded.papers
    };
    let step = std::cell::Cell::new(0);
    let next = |visitor: &Visitor, papers: Arc<Papers>| {
        let plant = nis2watch::duties::Plant::new(&bench.setup.loaded.inventory, &bench.setup.catalog);
        visitor.book.store(Arc::new(Book::new(papers, &[], plant)));
        visitor.news.notify_one();
        step.set(step.get() + 1);
    };
    let notes = bench
        .watched(|notes, visitor| {
            let said = notes.papers.lock().unwrap().get("attest-security-policy").cloned();
            match (step.get(), said.map(|(verdict, _)| verdict)) {
                (0, Some(Verdict::Unknown(Cause::NoData))) => next(visitor, statement("rejected", TimeDelta::days(1))),
                // twelve seconds are left of it when it is read
                (1, Some(Verdict::Fail)) => next(visitor, statement("confirmed", TimeDelta::seconds(12))),
                (2, Some(Verdict::Pass | Verdict::Warn)) => step.set(3),
                (3, Some(Verdict::Fail)) => return true,
                _ => {}
            }
            false
        })
        .await;
    let (_, reason) = notes.papers.lock().unwrap()["attest-security-policy"].clone();
    assert!(reason.contains("ended") || reason.contains("expired"), "{reason}");
}
