//! The plant watched by the product's own engine, over real sockets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::Utc;
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::app::{self, Shared, StoredKeys};
use crate::config::{Config, Flags, Loaded};
use crate::engine::{self, Cadence, PlannedAsset, Visitor};
use crate::feeds::Lifecycle;
use crate::inventory::Surroundings;
use crate::model::Cause;
use crate::store::{self, Sqlite};
use crate::transport::gate::Switch;
use crate::transport::snmp;

/// The schedules of the configuration as the engine asks for them.
struct Schedules<'a>(&'a Loaded);

impl engine::Schedules for Schedules<'_> {
    fn cadence(&self, schedule: &str, fragile: bool) -> Option<Arc<Cadence>> {
        self.0.schedules.cadence(schedule, fragile)
    }
}

/// A plant and who watches it.
struct Watch {
    demo: Plant,
    plant: app::Plant,
    visitor: Visitor,
    loaded: Loaded,
    _folder: TempDir,
}

/// Verdicts in words, `unknown timeout`, by asset and check.
type Verdicts = BTreeMap<(String, String), String>;

impl Watch {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = Box::pin(Plant::start(folder.path())).await.unwrap();
        let loaded = Config::load_in(demo.config(), &Flags::default(), Surroundings::default())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let catalog = Catalog::load(true, &[]).unwrap();
        let mistakes = loaded.check_against(&catalog);
        assert!(mistakes.is_empty(), "{mistakes}");
        let memory = store::Config { path: ":memory:".into(), ..store::Config::default() };
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&memory).unwrap());
        demo.remember(&*store, Utc::now()).await.unwrap();
        let shared = Shared {
            host_keys: Arc::new(StoredKeys::new(Arc::clone(&store), Utc::now)),
            snmp: Arc::new(snmp::Engine::new()),
            switch: Switch::default(),
            clock: Utc::now,
        };
        let plant = app::Plant::new(&catalog, &loaded.inventory, &Schedules(&loaded), &shared, None);
        let table = include_bytes!("../../checks/data/endoflife.json");
        let lifecycle = ArcSwap::from_pointee(Lifecycle::parse(table, "all").unwrap());
        let visitor = Visitor { store, lifecycle, clock: Utc::now, vantage: "demo".into() };
        Self { demo, plant, visitor, loaded, _folder: folder }
    }

    async fn round(&self, wanted: impl Fn(&str) -> bool) -> Verdicts {
        let all = |planned: &PlannedAsset| {
            let count = u16::try_from(planned.checks.len()).unwrap();
            if wanted(planned.member.asset.id.as_str()) { (0..count).collect() } else { Vec::new() }
        };
        let started = Instant::now();
        let ended = |visit: &engine::Visit| {
            let asset = visit.results.first().map_or("-", |result| result.asset.as_str());
            eprintln!("{asset:<12} {:>6.1}s, after {:.1}s", visit.took.as_secs_f64(), started.elapsed().as_secs_f64());
        };
        let visits = Box::pin(app::round(&self.plant, &self.visitor, 16, all, ended)).await;
        let mut verdicts = Verdicts::new();
        for result in visits.into_iter().flat_map(|visit| visit.results) {
            let verdict = result.judgement.verdict;
            let cause = verdict.cause().map_or_else(String::new, |cause| format!(" {cause}"));
            let words = format!("{}{cause}", verdict.word());
            eprintln!("{:<12} {:<26} {words:<20} {}", result.asset, result.check, result.judgement.reason);
            verdicts.insert((result.asset.to_string(), result.check.to_string()), words);
        }
        verdicts
    }
}

fn of<'a>(verdicts: &'a Verdicts, asset: &str, check: &str) -> &'a str {
    verdicts.get(&(asset.to_owned(), check.to_owned())).map_or("not in the plan", String::as_str)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn look() {
    let watch = Watch::start().await;
    eprintln!("{}", watch.loaded.warnings);
    watch.round(|_| true).await;
    eprintln!("{}", watch.demo.bytes_heard());
}
