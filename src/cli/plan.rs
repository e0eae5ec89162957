//! `plan`: what would be sent, when, to whom.

use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, ValueEnum};

use super::{CliError, Files, Listen, print};
use crate::engine::Plan;
use crate::output::outline;

#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    #[command(flatten)]
    files: Files,
    /// Only this asset; may be given several times.
    #[arg(long = "asset", value_name = "ID")]
    assets: Vec<String>,
    /// Also say which checks do not concern an asset, and why.
    #[arg(long)]
    excluded: bool,
    /// Shape of the answer.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let setup = options.files.load(&Listen::default())?;
    let plan = Plan::new(&setup.catalog, &setup.loaded.inventory, &setup.loaded.schedules);
    super::selection::known_assets(&options.assets, &plan)?;
    let wanted = |planned: &crate::engine::PlannedAsset| {
        options.assets.is_empty() || options.assets.iter().any(|id| *id == planned.member.asset.id.as_str())
    };
    let catalog = options.excluded.then_some(&*setup.catalog);
    let outlines = outline(&plan, wanted, catalog, Utc::now());
    if options.format == Format::Json {
        let text = serde_json::to_string_pretty(&outlines).map_err(std::io::Error::other)?;
        print(&format!("{text}\n"))?;
    } else {
        print(&outlines.iter().map(crate::output::Outline::text).collect::<String>())?;
    }
    let (lists, _) = setup.loaded.http_sources();
    if !lists.is_empty() {
        eprintln!(
            "nis2watch: {} target lists are fetched by the daemon only; their assets are not in this plan",
            lists.len()
        );
    }
    Ok(ExitCode::SUCCESS)
}
