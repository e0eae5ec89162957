//! `report`: evidence of a period, from the store and the configuration, beside a running daemon.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::Utc;
use clap::{Args, ValueEnum};

use super::{CliError, Files, Listen, print};
use crate::app::STOPPED;
use crate::duties::{self, Book};
use crate::engine::Plan;
use crate::model::Time;
use crate::output::report::{Kept, Material, Period, Report, ReportFormat};
use crate::store::{Config, Sqlite, Store};

/// The store that is gone with its process.
const IN_MEMORY: &str = ":memory:";

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    files: Files,
    /// The last days or weeks (30d, 12w), or FROM..TO with dates or times; a date means the whole day in UTC.
    #[arg(long, value_name = "PERIOD", default_value = "30d")]
    period: String,
    /// Format of the report.
    #[arg(long, value_enum, default_value = "html")]
    format: Format,
    /// Where to write it; standard output when left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page for an officer or auditor, on a screen or printed.
    Html,
    /// Every pair of an asset and a check, for a spreadsheet.
    Csv,
    /// Everything, for programs.
    Json,
    /// For a CI system.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// OCSF Compliance Findings, one a line.
    Ocsf,
    /// OSCAL assessment results.
    Oscal,
    /// For a wiki or a ticket.
    Markdown,
}

impl From<Format> for ReportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Html => Self::Html,
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
            Format::Junit => Self::Junit,
            Format::Sarif => Self::Sarif,
            Format::Ocsf => Self::Ocsf,
            Format::Oscal => Self::Oscal,
            Format::Markdown => Self::Markdown,
        }
    }
}

pub(super) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let now = Utc::now();
    let period = Period::parse(&options.period, now)
        .map_err(|error| CliError::Unknown(format!("--period {:?}: {error}", options.period)))?;
    let report = super::runtime()?.block_on(make(options, period, now))?;
    let text = report.write(options.format.into());
    match &options.output {
        None => print(&text)?,
        Some(file) => write(file, &text)?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn make(options: &Options, period: Period, now: Time) -> Result<Report, CliError> {
    let setup = options.files.load(&Listen::default())?;
    options.files.start_log(&setup)?;
    let loaded = &setup.loaded;
    let store = open(&loaded.config.store)?;
    let plan = Plan::new(&setup.catalog, &loaded.inventory, &loaded.schedules);
    let people = duties::Plant::new(&loaded.inventory, &setup.catalog);
    let book = Book::new(Arc::clone(&loaded.papers), &store.acts(0).await?, people);
    Ok(Report::new(&Material {
        site: loaded.config.site.clone(),
        plan: &plan,
        catalog: &setup.catalog,
        schedules: &loaded.schedules,
        book: &book,
        kept: Kept::read(&store, &plan, period).await?,
        period,
        now,
        configuration: loaded.digest(),
        stopped: store.flag(STOPPED).await?,
        target_lists: loaded.http_sources().0.len(),
    }))
}

/// The store as it is; nothing is written, also where no daemon runs.
fn open(config: &Config) -> Result<Sqlite, CliError> {
    if config.path == Path::new(IN_MEMORY) {
        return Err(CliError::Unknown(
            "store.path keeps nothing, so there is nothing to report; --store FILE names a file".into(),
        ));
    }
    Ok(tokio::task::block_in_place(|| Sqlite::open_read_only(config))?)
}

/// Writes beside the file first, so that a report is there whole or not at all.
fn write(file: &Path, text: &str) -> Result<(), CliError> {
    let unwritable = |error: &std::io::Error| CliError::Unknown(format!("cannot write {}: {error}", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(|error| unwritable(&error))?;
    std::io::Write::write_all(&mut draft, text.as_bytes()).map_err(|error| unwritable(&error))?;
    draft.persist(file).map_err(|error| unwritable(&error.error))?;
    Ok(())
}
