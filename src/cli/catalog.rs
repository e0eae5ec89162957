//! `catalog` and `explain`: the check files, for those who read and write them.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;

use super::{CliError, mistakes, print};
use crate::catalog::{ACCOUNT, Catalog, Handout};
use crate::model::{CheckId, did_you_mean};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// Every check with its severity and what it needs.
    List,
    /// The house rules that check files must keep.
    Lint,
    /// Judges every fixture and compares with the verdict in its name.
    Test {
        /// Only the fixtures of this check.
        check: Option<String>,
    },
    /// What the law and the seed list ask, and which of it is measured, attested or open.
    Coverage {
        /// Shape of the answer.
        #[arg(long, value_enum, default_value = "table")]
        format: Shape,
    },
    /// A file for monitored hosts, so that facts which need root are asked without a root login.
    Handout {
        /// Which one.
        #[arg(value_enum)]
        which: HostFile,
        /// Account on the host.
        #[arg(long, default_value = ACCOUNT)]
        account: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum HostFile {
    /// The script behind a forced command.
    Collector,
    /// The one sudoers line that it needs.
    CollectorSudoers,
    /// The sudoers lines of all commands, where there is no collector.
    Sudoers,
    /// The same for doas.
    Doas,
}

impl From<HostFile> for Handout {
    fn from(which: HostFile) -> Self {
        match which {
            HostFile::Collector => Self::Collector,
            HostFile::CollectorSudoers => Self::CollectorSudoers,
            HostFile::Sudoers => Self::Sudoers,
            HostFile::Doas => Self::Doas,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Shape {
    /// For a terminal.
    Table,
    /// For programs.
    Json,
    /// For a README.
    Markdown,
}

pub(super) fn run(act: Act, catalog: &Catalog) -> Result<ExitCode, CliError> {
    match act {
        Act::List => list(catalog),
        Act::Lint => lint(catalog),
        Act::Test { check } => test(catalog, check.as_deref()),
        Act::Coverage { format } => coverage(catalog, format),
        Act::Handout { which, account } => {
            print(&catalog.handout(which.into(), &account))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

pub(super) fn explain(check: &str, catalog: &Catalog) -> Result<ExitCode, CliError> {
    let id = CheckId::parse(check)?;
    print(&catalog.explain(&id).ok_or_else(|| stranger(&id, catalog))?)?;
    Ok(ExitCode::SUCCESS)
}

fn list(catalog: &Catalog) -> Result<ExitCode, CliError> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["CHECK", "PACK", "SEVERITY", "IMPACT", "TITLE"]);
    for check in catalog.checks.values() {
        table.add_row([check.id.as_str(), &check.pack, check.severity.word(), check.impact.word(), &check.title]);
    }
    print(&format!("{table}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn lint(catalog: &Catalog) -> Result<ExitCode, CliError> {
    let problems = catalog.lint();
    if problems.is_empty() {
        print(&format!("{} checks and {} facts keep the house rules\n", catalog.checks.len(), catalog.facts.len()))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{problems}\n{}\n", mistakes(problems.len())))?;
    Ok(ExitCode::from(1))
}

fn test(catalog: &Catalog, only: Option<&str>) -> Result<ExitCode, CliError> {
    let only = only.map(CheckId::parse).transpose()?;
    if let Some(check) = only.as_ref().filter(|check| !catalog.checks.contains_key(*check)) {
        return Err(stranger(check, catalog));
    }
    let reports = catalog.test(only.as_ref());
    // what tested nothing must not end like what is right
    if reports.is_empty() {
        let whose = only.map_or_else(String::new, |check| format!(" of {check}"));
        return Err(CliError::Unknown(format!(
            "no fixtures{whose}; write <pack>/fixtures/<check>/<case>.<verdict>.yaml, or let `nis2watch record` write one"
        )));
    }
    let mut text = String::new();
    for report in reports.iter().filter(|report| !report.is_right()) {
        writeln!(text, "{report}").ok();
    }
    let passed = reports.iter().filter(|report| report.is_right()).count();
    writeln!(text, "{passed} passed, {} failed", reports.len() - passed).ok();
    print(&text)?;
    Ok(ExitCode::from(u8::from(passed != reports.len())))
}

/// No check has this id; perhaps one that is written almost like it was meant.
fn stranger(check: &CheckId, catalog: &Catalog) -> CliError {
    let near = did_you_mean(check.as_str(), catalog.checks.keys().map(CheckId::as_str));
    let hint = near.map_or_else(|| "nis2watch catalog list shows all".into(), |near| format!("did you mean {near}?"));
    CliError::Unknown(format!("no check {check}; {hint}"))
}

fn coverage(catalog: &Catalog, format: Shape) -> Result<ExitCode, CliError> {
    let coverage = catalog.coverage();
    print(&match format {
        Shape::Table => format!("{coverage}\n"),
        Shape::Markdown => coverage.markdown(),
        Shape::Json => format!("{}\n", serde_json::to_string_pretty(&coverage).unwrap_or_default()),
    })?;
    Ok(ExitCode::SUCCESS)
}
