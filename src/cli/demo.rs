//! `demo`: a virtual plant on loopback, and the product watching it. Needs no root and installs nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{CliError, print};
use crate::app::{Once, RunError, Service, Setup};
use crate::config::Flags;
use crate::demo::{Plant, Scene};
use crate::engine::{Plan, PlannedAsset};
use crate::model::{CheckResult, Severity, Verdict};
use crate::output::{Round, Shape};
use crate::store::{Filter, Store};
use crate::telemetry;

/// Until one host drifts; long enough to have seen it well.
const DRIFTS_AFTER: Duration = Duration::from_mins(1);
/// Until it recovers; long enough for a look at the page.
const DRIFTS_FOR: Duration = Duration::from_secs(90);
/// How often the first round is looked at, and how long its end is waited for.
const LOOK: Duration = Duration::from_millis(500);
const FIRST_ROUND: Duration = Duration::from_mins(1);
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
    let visits = once.round(all, |_| {}).await?;
    let results: Vec<&CheckResult> = visits.iter().flat_map(|visit| &visit.results).collect();
    let round = Round::new(&once.plant.plan, results.iter().copied(), Severity::Info);
    print(&round.write(Shape::Table, std::io::IsTerminal::is_terminal(&std::io::stdout())))?;
    print(&format!("\n{}", summary(&once.plant.plan, &demo.story(), results)))?;
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
         The first round takes a few seconds …\n\n",
        demo.story().len(),
        demo.config().display()
    ))?;
    let demo = Arc::new(demo);
    let story = AbortOnDropHandle::new(tokio::spawn(tell(Arc::clone(&demo), Arc::clone(service.store()))));
    let ended = Box::pin(service.run(CancellationToken::new())).await;
    drop(story);
    if let Some(demo) = Arc::into_inner(demo) {
        demo.shutdown().await;
    }
    ended?;
    Ok(ExitCode::SUCCESS)
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
    loop {
        tokio::time::sleep(DRIFTS_AFTER).await;
        match demo.drift() {
            Ok(()) => say(&format!("{drifter} drifts now: root may log in with a password, and telnet answers.")),
            Err(error) => tracing::error!(%error, "the demo cannot drift"),
        }
        tokio::time::sleep(DRIFTS_FOR).await;
        demo.recover();
        say(&format!("{drifter} has recovered; its checks pass again after their next visit."));
    }
}

/// Waits until every check was judged once, and prints how the plant stands.
async fn first_round(demo: &Plant, store: &dyn Store) -> Result<(), CliError> {
    let setup = Setup::load(demo.config(), &Flags::default())?;
    let plan = Plan::new(&setup.catalog, &setup.loaded.inventory, &setup.loaded.schedules);
    let deadline = tokio::time::Instant::now() + FIRST_ROUND;
    let pairs = plan.pairs().len();
    while store.latest().await?.len() < pairs && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
    let stored = store.results(Filter::default(), pairs).await?;
    let results = stored.iter().map(|stored| &stored.result);
    let minute = DRIFTS_AFTER.as_secs();
    print(&format!(
        "{}\nIn {minute} seconds {} drifts, and recovers {} seconds later. Ctrl-C ends the demo and leaves nothing behind.\n\n",
        summary(&plan, &demo.story(), results.collect()),
        demo.drifter(),
        DRIFTS_FOR.as_secs(),
    ))
}

fn say(what: &str) {
    // a closed standard output is no reason to end
    print(&format!("{}  {what}\n", Utc::now().format("%H:%M:%S"))).ok();
}

/// A line per device: how many checks stand where, and what to look at.
fn summary(plan: &Plan, story: &[Scene], results: Vec<&CheckResult>) -> String {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for result in results {
        *counts.entry(result.asset.as_str()).or_default().entry(result.judgement.verdict.word()).or_default() += 1;
    }
    let mut table = Table::new();
    let words = Verdict::WORDS.into_iter().filter(|word| *word != "waived");
    let head = words.clone().map(|word| word.replace('_', " ").to_uppercase());
    let head = ["DEVICE".to_owned(), "ZONE".to_owned()].into_iter().chain(head).chain(["WHAT TO LOOK AT".to_owned()]);
    table.load_style(NOTHING).set_header(head);
    for scene in story.iter().filter(|scene| plan.find(scene.asset).is_some()) {
        let of = counts.get(scene.asset);
        let count = |word| of.and_then(|counts| counts.get(word)).map_or_else(|| "·".to_owned(), usize::to_string);
        let row = [scene.asset.to_owned(), scene.zone.to_owned()];
        table.add_row(row.into_iter().chain(words.clone().map(count)).chain([scene.shows.to_owned()]));
    }
    let mut text = String::new();
    writeln!(text, "{}", table.trim_fmt()).ok();
    text
}
