//! `demo`: a virtual plant on loopback, and the product watching it. Needs no root and installs nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{CliError, print};
use crate::app::{Once, RunError, Service, Setup};
use crate::config::Flags;
use crate::demo::{Plant, Scene};
use crate::engine::{Plan, PlannedAsset};
use crate::model::{AssetId, CheckResult, Severity, Transition, Verdict};
use crate::output::{Round, Shape};
use crate::store::{Filter, LedgerRecord, Store};
use crate::telemetry;

/// Until one host drifts; long enough to have seen it well.
const DRIFTS_AFTER: Duration = Duration::from_mins(1);
/// Until it recovers; long enough for a look at the page.
const DRIFTS_FOR: Duration = Duration::from_secs(90);
/// How often the first round is looked at, and how long its end is waited for.
const LOOK: Duration = Duration::from_millis(500);
const FIRST_ROUND: Duration = Duration::from_mins(1);
/// Most changes of one device between two looks.
const MOST_CHANGES: usize = 200;
/// Any free port of loopback, where the usual one is taken.
const ANY_PORT: &str = "127.0.0.1:0";

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// One round, the table of its verdicts, and the end.
    #[arg(long)]
    once: bool,
    /// Where to listen; the usual port when it is free.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Log level (error, warn, info, debug, trace) or directives.
    #[arg(long, value_name = "LEVEL", env = "NIS2WATCH__TELEMETRY__LOG", default_value = "error")]
    log: String,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let folder = tempfile::Builder::new().prefix("nis2watch-demo-").tempdir()?;
    super::runtime()?.block_on(async {
        let config = telemetry::Config { log: options.log.clone(), ..telemetry::Config::default() };
        let guard = telemetry::start(&config)?;
        let plant = Box::pin(Plant::start(folder.path())).await?;
        let outcome = if options.once { once(&plant).await } else { live(plant, options).await };
        guard.shutdown().await;
        outcome
    })
}

async fn once(demo: &Plant) -> Result<ExitCode, CliError> {
    let setup = Setup::load(demo.config(), &Flags::default())?;
    let once = Once::open(&setup).await?;
    demo.remember(&*once.visitor.store, Utc::now()).await?;
    let all = |planned: &PlannedAsset| (0..).zip(&planned.checks).map(|(at, _)| at).collect();
    let visits = once.round(all, |_| {}, &CancellationToken::new()).await?;
    let results: Vec<&CheckResult> = visits.iter().flat_map(|visit| &visit.results).collect();
    let round = Round::new(&once.plant.plan, results.iter().copied(), Severity::Info);
    print(&round.write(Shape::Table, std::io::IsTerminal::is_terminal(&std::io::stdout())))?;
    let (story, plan) = (demo.story(), &once.plant.plan);
    let sheet = Sheet::new(&story);
    print(&format!("\n{}", sheet.head()))?;
    for scene in story.iter().filter(|scene| plan.find(scene.asset).is_some()) {
        print(&sheet.row(scene, results.iter().copied().filter(|result| result.asset.as_str() == scene.asset)))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn live(demo: Plant, options: &Options) -> Result<ExitCode, CliError> {
    let service = open(demo.config(), options).await?;
    demo.remember(&**service.store(), Utc::now()).await?;
    let address = service.address();
    print(&format!(
        "A plant of {} virtual devices runs inside this process, and nis2watch asks them over loopback.\n\n\
         Page     http://{address}/\n\
         Metrics  http://{address}/metrics\n\
         Plan     nis2watch plan --config {}\n\n\
         Each device is shown once all its checks were judged; those that are slow, silent or asked with care take up to a minute.\n\n",
        demo.story().iter().filter(|scene| scene.address.is_some()).count(),
        demo.config().display()
    ))?;
    let demo = Arc::new(demo);
    let story = AbortOnDropHandle::new(tokio::spawn(tell(Arc::clone(&demo), Arc::clone(service.store()))));
    let ended = tokio::select! {
        ended = Box::pin(service.run(CancellationToken::new())) => ended,
        // devices that are played need no orderly end of a visit
        () = interrupted() => Ok(()),
    };
    drop(story);
    if let Some(demo) = Arc::into_inner(demo) {
        demo.shutdown().await;
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Some time after the demo was told to end.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(LOOK).await;
}

/// Opens the daemon at the usual address, or at a free port when somebody else listens there.
async fn open(config: &Path, options: &Options) -> Result<Service, CliError> {
    let at = |listen: Option<String>| Setup::load(config, &Flags { listen, ..Flags::default() });
    match Service::open(at(options.listen.clone())?).await {
        Err(RunError::Listen { .. }) if options.listen.is_none() => {
            Ok(Service::open(at(Some(ANY_PORT.to_owned()))?).await?)
        }
        opened => Ok(opened?),
    }
}

/// What happens in the plant, told on standard output.
async fn tell(demo: Arc<Plant>, store: Arc<dyn Store>) {
    if let Err(error) = first_round(&demo, &*store).await {
        tracing::error!(%error, "cannot tell what the first round saw");
    }
    let drifter = demo.drifter();
    let mut herald = Herald::of(drifter);
    loop {
        herald.pass_by(&*store, DRIFTS_AFTER).await;
        match demo.drift() {
            Ok(()) => say(&format!("{drifter} drifts now: root may log in with a password, and telnet answers.")),
            Err(error) => tracing::error!(%error, "the demo cannot drift"),
        }
        herald.pass_by(&*store, DRIFTS_FOR).await;
        demo.recover();
        say(&format!("{drifter} has recovered; its checks pass again after their next visit."));
    }
}

/// Prints how each device stands as soon as all its checks were judged once, and what is there when the time is over.
async fn first_round(demo: &Plant, store: &dyn Store) -> Result<(), CliError> {
    let setup = Setup::load(demo.config(), &Flags::default())?;
    let plan = Plan::new(&setup.catalog, &setup.loaded.inventory, &setup.loaded.schedules);
    let scenes = demo.story();
    let checks = |scene: &Scene| plan.find(scene.asset).map_or(0, |at| plan.asset(at).checks.len());
    let mut open: Vec<(&Scene, usize)> =
        scenes.iter().map(|scene| (scene, checks(scene))).filter(|(_, checks)| *checks > 0).collect();
    let sheet = Sheet::new(&scenes);
    print(&sheet.head())?;
    let deadline = tokio::time::Instant::now() + FIRST_ROUND;
    while !open.is_empty() {
        let is_over = tokio::time::Instant::now() >= deadline;
        let mut judged: BTreeMap<String, usize> = BTreeMap::new();
        for latest in store.latest().await? {
            *judged.entry(latest.asset.to_string()).or_default() += 1;
        }
        let is_done =
            |(scene, checks): &(&Scene, usize)| is_over || judged.get(scene.asset).is_some_and(|done| done >= checks);
        for (scene, checks) in open.extract_if(.., |one| is_done(one)) {
            let of = Filter { asset: AssetId::parse(scene.asset).ok(), ..Filter::default() };
            let stored = store.results(of, checks).await?;
            print(&sheet.row(scene, stored.iter().map(|stored| &stored.result)))?;
        }
        tokio::time::sleep(LOOK).await;
    }
    print(&format!(
        "\nIn {} seconds {} drifts, and recovers {} seconds later. Ctrl-C ends the demo and leaves nothing behind.\n\n",
        DRIFTS_AFTER.as_secs(),
        demo.drifter(),
        DRIFTS_FOR.as_secs(),
    ))
}

/// Tells what changes at one device, from the same chain that a report is made of.
struct Herald {
    of: Filter,
    /// The newest record that was told or that lay before the first look.
    told: Option<u64>,
}

impl Herald {
    fn of(asset: &str) -> Self {
        Self { of: Filter { asset: AssetId::parse(asset).ok(), ..Filter::default() }, told: None }
    }

    /// Lets some time pass and prints each change as it is recorded.
    async fn pass_by(&mut self, store: &dyn Store, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < end {
            match store.transitions(self.of.clone(), MOST_CHANGES).await {
                Ok(newest_first) => self.tell(&newest_first),
                Err(error) => tracing::error!(%error, "cannot tell what changes"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn tell(&mut self, newest_first: &[LedgerRecord]) {
        let told = self.told.unwrap_or(u64::MAX);
        for record in newest_first.iter().rev().filter(|record| record.seq > told) {
            let Transition { asset, check, from, to, reason, .. } = &record.transition;
            let from = from.as_ref().map_or("new", |from| from.word());
            say(&format!("{asset}  {check}: {from} -> {}  {reason}", to.word()));
        }
        self.told = newest_first.first().map(|newest| newest.seq).or(self.told).or(Some(0));
    }
}

fn say(what: &str) {
    // a closed standard output is no reason to end
    print(&format!("{}  {what}\n", Utc::now().format("%H:%M:%S"))).ok();
}

/// A line per device: how many checks stand where, and what to look at.
struct Sheet {
    device: usize,
    zone: usize,
}

impl Sheet {
    fn new(story: &[Scene]) -> Self {
        let widest = |of: fn(&Scene) -> &str| story.iter().map(|scene| of(scene).len()).max().unwrap_or(0);
        Self { device: widest(|scene| scene.asset).max(6), zone: widest(|scene| scene.zone).max(4) }
    }

    fn words() -> impl Iterator<Item = &'static str> {
        Verdict::WORDS.into_iter()
    }

    fn head(&self) -> String {
        let mut text = format!("{:<device$}  {:<zone$}", "DEVICE", "ZONE", device = self.device, zone = self.zone);
        for word in Self::words() {
            write!(text, "  {}", word.replace('_', " ").to_uppercase()).ok();
        }
        text + "  WHAT TO LOOK AT\n"
    }

    fn row<'a>(&self, scene: &Scene, results: impl Iterator<Item = &'a CheckResult>) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for result in results {
            *counts.entry(result.judgement.verdict.word()).or_default() += 1;
        }
        let mut text =
            format!("{:<device$}  {:<zone$}", scene.asset, scene.zone, device = self.device, zone = self.zone);
        for word in Self::words() {
            let count = counts.get(word).map_or_else(|| "·".to_owned(), usize::to_string);
            write!(text, "  {count:>width$}", width = word.len()).ok();
        }
        format!("{text}  {}\n", scene.shows)
    }
}
