//! `ledger`: proof that what was recorded is still what is there.

use std::process::ExitCode;

use clap::Subcommand;

use super::{CliError, Files, Listen, print};
use crate::store::{Head, Sqlite, Store as _};

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// The number and the digest of the last record; keep it elsewhere, and verify can tell when the chain was cut.
    Head {
        #[command(flatten)]
        files: Files,
    },
    /// Walks the whole chain; ends with 100 when something was changed.
    Verify {
        #[command(flatten)]
        files: Files,
        /// A head that was noted earlier, `NUMBER:DIGEST`.
        #[arg(long, value_name = "HEAD")]
        anchor: Option<Head>,
    },
}

pub(super) fn run(act: &Act) -> Result<ExitCode, CliError> {
    let (Act::Head { files } | Act::Verify { files, .. }) = act;
    let setup = files.load(&Listen::default())?;
    files.start_log(&setup)?;
    super::runtime()?.block_on(async {
        let store = Sqlite::open_read_only(&setup.loaded.config.store)?;
        match act {
            Act::Head { .. } => {
                let head = store.head().await?;
                print(&head.map_or_else(|| "the ledger is empty\n".to_owned(), |head| format!("{head}\n")))?;
            }
            Act::Verify { anchor, .. } => {
                let found = store.verify(*anchor).await?;
                if !found.breaks.is_empty() {
                    for one in &found.breaks {
                        print(&format!("{one}\n"))?;
                    }
                    return Ok(ExitCode::from(100));
                }
                let head = found.head.map_or_else(String::new, |head| format!(", head {head}"));
                print(&format!("{} records, all as they were written{head}\n", found.records))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
