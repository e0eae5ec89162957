//! The command line: what a person or a script can ask of the program.
//!
//! Exit codes: 0 all is well, 1 usage or configuration, 2 a defect of ours; `check` adds 100 and 101.

mod attest;
mod baseline;
mod catalog;
mod check;
mod daemon;
mod demo;
mod desk;
mod explain;
mod facts;
mod feeds;
mod files;
mod incident;
mod ledger;
mod plan;
mod record;
mod report;
mod selection;
mod token;
mod validate;
mod waiver;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{OnceError, RunError};
use crate::demo::DemoError;
use crate::duties::ClerkError;
use crate::model::{IdError, Problems};
use crate::store::StoreError;
use crate::telemetry::TelemetryError;
use files::{Files, Listen};

/// Watches whether a plant's IT and OT assets still meet the security rules that NIS2 asks for.
#[derive(Debug, Parser)]
#[command(name = "nis2watch", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watches the plant until told to stop: the daemon.
    Run {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        listen: Listen,
    },
    /// One round now; ends with 0 when all is well, 100 for a fail, 101 for no fail but an unknown.
    Check(check::Options),
    /// What one asset answers, before any check judges it.
    Facts(facts::Options),
    /// Loads configuration, inventory and checks, reports every mistake, and starts nothing.
    Validate {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        listen: Listen,
    },
    /// Who would be asked what, when, and how much is sent; and why something is not.
    Plan(plan::Options),
    /// A virtual plant inside this process, and the daemon watching it; needs no root and installs nothing.
    Demo(demo::Options),
    /// Visits an asset and writes its masked answers as a fixture for a check.
    Record(record::Options),
    /// Evidence of a period for an auditor: what was measured, signed, accepted, open and unknown.
    Report(report::Options),
    /// Proof that what was recorded is still what is there.
    Ledger {
        #[command(subcommand)]
        act: ledger::Act,
    },
    /// What people signed, until when it holds, and signing anew.
    Attest {
        #[command(subcommand)]
        act: attest::Act,
    },
    /// Accepted fails, and until when.
    Waiver {
        #[command(subcommand)]
        act: waiver::Act,
    },
    /// Values that were approved, and what differs from them.
    Baseline {
        #[command(subcommand)]
        act: baseline::Act,
    },
    /// Bearer tokens of the API: who may look and act without a password.
    Token {
        #[command(subcommand)]
        act: token::Act,
    },
    /// Incidents and their reporting deadlines (Article 23); nothing is ever sent to an authority.
    Incident {
        #[command(subcommand)]
        act: incident::Act,
    },
    /// Offline feeds (advisories, exploited vulnerabilities, scores, support periods): what there is, and bringing in more.
    Feeds {
        #[command(subcommand)]
        act: feeds::Act,
    },
    /// What can be checked, and whether the check files are sound.
    Catalog {
        #[command(subcommand)]
        act: catalog::Act,
        #[command(flatten)]
        source: Source,
    },
    /// One check for a person: why, what is asked of whom, the rule in words, the fix.
    Explain {
        /// Id of the check.
        check: String,
        /// Also what it means for this asset of the configuration: parameters and who sets them, questions, the verdict so far.
        #[arg(long, value_name = "ID", conflicts_with_all = ["extra", "no_builtin"])]
        asset: Option<String>,
        #[command(flatten)]
        files: Box<Files>,
        #[command(flatten)]
        source: Source,
    },
}

/// Where checks come from.
#[derive(Debug, clap::Args)]
struct Source {
    /// Folder with further facts and checks; may be given several times.
    #[arg(long = "extra", value_name = "FOLDER", global = true)]
    extra: Vec<PathBuf>,
    /// Leave out the catalogue inside the binary.
    #[arg(long, global = true)]
    no_builtin: bool,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The words of the command line are off; clap has said what.
    #[error("{0}")]
    Usage(#[from] clap::Error),
    /// Files have mistakes.
    #[error("{count} in the files read\n\n{problems}", count = mistakes(.problems.len()))]
    Files {
        /// All of them.
        #[from]
        problems: Problems,
    },
    /// An id is malformed.
    #[error("{0}")]
    Id(#[from] IdError),
    /// A name that does not exist.
    #[error("{0}")]
    Unknown(String),
    /// What was to be noted makes no sense.
    #[error(transparent)]
    Clerk(#[from] ClerkError),
    /// The daemon could not start, or a part of it ended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A round could not begin.
    #[error(transparent)]
    Once(#[from] OnceError),
    /// The virtual plant could not be built.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Logs and traces could not start.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Feeds were refused, or their folder cannot be used.
    #[error(transparent)]
    Feeds(#[from] crate::feeds::ImportError),
    /// Output could not be written.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
}

impl CliError {
    /// The exit code that says this.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Write(_) | Self::Run(RunError::Ended(_)) => 2,
            _ => 1,
        })
    }
}

fn mistakes(count: usize) -> String {
    format!("{count} mistake{}", if count == 1 { "" } else { "s" })
}

/// Runs the command that the arguments name.
///
/// # Errors
///
/// [`CliError`] says what to correct.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Result<ExitCode, CliError> {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        // help and version are no mistakes
        Err(message) if !message.use_stderr() => {
            message.print()?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(message) => {
            message.print()?;
            return Ok(ExitCode::from(1));
        }
    };
    match cli.command {
        Command::Run { files, listen } => daemon::run(&files, &listen),
        Command::Check(options) => check::run(&options),
        Command::Facts(options) => facts::run(&options),
        Command::Validate { files, listen } => validate::run(&files, &listen),
        Command::Plan(options) => plan::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Record(options) => record::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Ledger { act } => ledger::run(&act),
        Command::Attest { act } => attest::run(&act),
        Command::Waiver { act } => waiver::run(&act),
        Command::Baseline { act } => baseline::run(&act),
        Command::Token { act } => token::run(&act),
        Command::Incident { act } => incident::run(&act),
        Command::Feeds { act } => feeds::run(&act),
        Command::Catalog { act, source } => catalog::run(act, &source.load()?),
        Command::Explain { check, asset: None, source, .. } => catalog::explain(&check, &source.load()?),
        Command::Explain { check, asset: Some(asset), files, .. } => explain::run(&check, &asset, &files),
    }
}

impl Source {
    fn load(&self) -> Result<crate::catalog::Catalog, Problems> {
        crate::catalog::Catalog::load(!self.no_builtin, &self.extra)
    }
}

/// The runtime of a command that speaks to the world.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Writes to standard output; a reader that went away (`| head`) is no mistake.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write as _;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
