//! `check`: one round now.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::selection::Selection;
use super::{CliError, Files, Listen, print};
use crate::app::{Kept, Once, Setup};
use crate::config::Flags;
use crate::engine::PlannedAsset;
use crate::model::{CheckResult, Severity};
use crate::output::{Outcome, Round, Shape};

/// A fail, for scripts (design, section 5).
const A_FAIL: u8 = 100;
/// No fail but an unknown.
const AN_UNKNOWN: u8 = 101;

/// What `--local` stands for.
const HERE: &str =
    "site: here\ninventory: [assets.yaml]\nstore: { path: nis2watch.db }\nzones: [{ id: here, role: it }]\n";
const THIS_MACHINE: &str = "[{ id: this-machine, zone: here, kind: linux-host, access: { local: {} } }]\n";

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    selection: Selection,
    /// Judges this machine itself, without a configuration; nothing is recorded.
    #[arg(long, conflicts_with_all = ["config", "store"])]
    local: bool,
    /// Shape of the report.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Only fails and unknowns of this severity or higher decide the exit code.
    #[arg(long, value_name = "SEVERITY", default_value = "info", value_parser = severity)]
    fail_on: Severity,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
    Junit,
    Csv,
    Nagios,
}

fn severity(word: &str) -> Result<Severity, String> {
    let known: Vec<_> = Severity::ALL.iter().map(|severity| severity.word()).collect();
    Severity::from_word(word).ok_or_else(|| format!("a severity is one of {}", known.join(", ")))
}

pub(super) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let here = if options.local { Some(write_here()?) } else { None };
    let setup = match &here {
        Some(folder) => Setup::load(&folder.path().join("nis2watch.yaml"), &Flags::default())?,
        None => options.files.load(&Listen::default())?,
    };
    super::runtime()?.block_on(async {
        options.files.start_log(&setup)?;
        let once = Once::open(&setup).await?;
        tell_where_it_goes(&once.kept);
        let chosen = options.selection.of(&once.plant.plan)?;
        let bar = bar(once.plant.plan.assets.iter().filter(|planned| !chosen.due(planned).is_empty()).count());
        let ended = |asset: &crate::model::AssetId| {
            bar.set_message(asset.to_string());
            bar.inc(1);
        };
        let stop = CancellationToken::new();
        let watching = AbortOnDropHandle::new(tokio::spawn(cancel_when_told(stop.clone())));
        let visits = once.round(|planned: &PlannedAsset| chosen.due(planned), ended, &stop).await;
        drop(watching);
        bar.finish_and_clear();
        let visits = visits?;
        // what another check needed is not what was asked for
        let results = visits.iter().flat_map(|visit| &visit.results).filter(|result| chosen.has(result));
        let results: Vec<&CheckResult> = results.collect();
        report(options, &Round::new(&once.plant.plan, results, options.fail_on))
    })
}

/// A configuration whose only asset is the machine that this runs on.
fn write_here() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("nis2watch-local-").tempdir()?;
    std::fs::write(folder.path().join("nis2watch.yaml"), HERE)?;
    std::fs::write(folder.path().join("assets.yaml"), THIS_MACHINE)?;
    Ok(folder)
}

/// Ends the round early at SIGINT or SIGTERM, so that what was seen until then is shown.
async fn cancel_when_told(stop: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => if interrupted.is_err() { return },
    }
    eprintln!("nis2watch: told to stop: what was not asked yet is unknown");
    stop.cancel();
}

fn report(options: &Options, round: &Round<'_>) -> Result<ExitCode, CliError> {
    let shape = match options.format {
        Format::Table => Shape::Table,
        Format::Json => Shape::Json,
        Format::Junit => Shape::Junit,
        Format::Csv => Shape::Csv,
        Format::Nagios => Shape::Nagios,
    };
    print(&round.write(shape, std::io::stdout().is_terminal()))?;
    let code = match round.outcome() {
        _ if shape == Shape::Nagios => round.light() as u8,
        Outcome::Good => 0,
        Outcome::Failed => A_FAIL,
        Outcome::Unknown => AN_UNKNOWN,
    };
    Ok(ExitCode::from(code))
}

fn tell_where_it_goes(kept: &Kept) {
    match kept {
        Kept::Written => {}
        Kept::Beside(holder) => eprintln!(
            "nis2watch: the store is in use by {holder}: this round is shown and not recorded, and of fragile assets the \
             last verdicts of the daemon are shown"
        ),
        Kept::Nowhere(why) => eprintln!(
            "nis2watch: {why}\nnis2watch: this round is shown and not recorded; checks that need to know since when \
             something is so are unknown. --store FILE gives it a place"
        ),
    }
}

/// On a terminal how far it is; elsewhere nothing.
fn bar(visits: usize) -> ProgressBar {
    let bar = ProgressBar::new(visits as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} assets, {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
