//! `ledger`: proof that what was recorded is still what is there.
//!
//! Nothing here needs the plant: a store is enough, be it a copy on another machine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{CliError, print};
use crate::config::{Alone, Flags};
use crate::inventory::Surroundings;
use crate::store::{self, Head, Sqlite, Store as _};

/// Where the configuration lies when nothing else is said.
const CONFIG: &str = "/etc/nis2watch/nis2watch.yaml";

/// Which store; what else the configuration speaks of is not looked at.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// Database file; no configuration is needed then.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Configuration file that names the database file.
    #[arg(long, short, value_name = "FILE", env = "NIS2WATCH_CONFIG", default_value = CONFIG)]
    config: PathBuf,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// The number and the digest of the last record; keep it elsewhere, and verify can tell when the chain was cut.
    Head {
        #[command(flatten)]
        place: Place,
    },
    /// Walks the whole chain and what it vouches for; ends with 100 when something was changed.
    Verify {
        #[command(flatten)]
        place: Place,
        /// A head that was noted earlier, `NUMBER:DIGEST`.
        #[arg(long, value_name = "HEAD")]
        head: Option<Head>,
    },
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    super::runtime()?.block_on(async {
        match act {
            Act::Head { place } => head(place).await,
            Act::Verify { place, head } => verify(place, *head).await,
        }
    })
}

impl Place {
    fn settings(&self) -> Result<store::Config, CliError> {
        match &self.store {
            Some(path) => Ok(store::Config { path: path.clone(), ..store::Config::default() }),
            None => Ok(Alone::load(&self.config, &Flags::default(), &Surroundings::of_process())?.store),
        }
    }

    fn open(&self) -> Result<Sqlite, CliError> {
        Ok(Sqlite::open_read_only(&self.settings()?)?)
    }
}

async fn head(place: &Place) -> Result<ExitCode, CliError> {
    let head = place.open()?.head().await?;
    print(&head.map_or_else(|| "the ledger is empty\n".to_owned(), |head| format!("{head}\n")))?;
    Ok(ExitCode::SUCCESS)
}

async fn verify(place: &Place, noted: Option<Head>) -> Result<ExitCode, CliError> {
    let found = place.open()?.verify(noted).await?;
    if !found.breaks.is_empty() {
        for one in &found.breaks {
            print(&format!("{one}\n"))?;
        }
        return Ok(ExitCode::from(100));
    }
    let head = found.head.map_or_else(String::new, |head| format!(", head {head}"));
    print(&format!("{} records, all as they were written{head}\n", found.records))?;
    Ok(ExitCode::SUCCESS)
}
