//! The desk at which registers are read and acts are written, shared by `attest`, `incident` and `waiver`.
//!
//! An act goes into the store's ledger with its actor and its reason, and is on disk when the command ends; a running daemon
//! notices it within seconds.

use std::path::Path;
use std::sync::Arc;

use chrono::{SecondsFormat, Utc};
use clap::Args;

use super::{CliError, Files, Listen, print};
use crate::app::Setup;
use crate::duties::{Book, Deed, Plant};
use crate::model::{Time, did_you_mean};
use crate::store::{ActRecord, Baseline, BaselineAct, BaselineFilter, Config, Sqlite, Store, StoreError};

/// The store that is gone with its process.
const IN_MEMORY: &str = ":memory:";

/// Who does something, and why; both go into the ledger.
#[derive(Debug, Clone, Args)]
pub(super) struct Actor {
    /// Who does this: name or number of the person.
    #[arg(long = "by", value_name = "PERSON", value_parser = named)]
    pub(super) person: String,
    /// Why; goes into the ledger.
    #[arg(long, value_name = "TEXT", value_parser = named)]
    pub(super) reason: String,
}

/// Refuses an empty word.
pub(super) fn named(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("nothing is said".to_owned()) } else { Ok(text.to_owned()) }
}

/// Reads `now` or a time with its offset.
pub(super) fn moment(text: &str) -> Result<Time, String> {
    if text == "now" {
        return Ok(Utc::now());
    }
    crate::duties::moment(text)
}

/// The same for where something ends: a day alone means the whole of it in UTC.
pub(super) fn ending(text: &str) -> Result<Time, String> {
    if text == "now" { moment(text) } else { crate::duties::ending(text) }
}

/// A time for people.
pub(super) fn shown(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The registers as they are now.
pub(super) struct Desk {
    pub(super) setup: Setup,
    pub(super) book: Book,
    pub(super) now: Time,
}

impl Desk {
    /// Loads the files and reads the acts of the ledger; writes nothing.
    pub(super) async fn open(files: &Files) -> Result<Self, CliError> {
        let setup = files.load(&Listen::default())?;
        files.start_log(&setup)?;
        let acts = read(&setup.loaded.config.store).await?;
        let plant = Plant::new(&setup.loaded.inventory, &setup.catalog);
        let book = Book::new(Arc::clone(&setup.loaded.papers), &acts, plant);
        for complaint in book.complaints() {
            eprintln!("nis2watch: {complaint}");
        }
        Ok(Self { setup, book, now: Utc::now() })
    }

    /// Writes an act; it has reached the disk when this returns.
    pub(super) async fn write(&self, deed: &Deed, actor: &str, reason: &str) -> Result<(), CliError> {
        let head = self.store()?.act(deed.act(actor, reason, self.now)).await?;
        print(&format!("noted as record {} of the ledger\n", head.seq))
    }

    /// Does something to baselines, all or nothing; it has reached the disk when this returns.
    pub(super) async fn act_on_baselines(&self, acts: Vec<BaselineAct>) -> Result<(), CliError> {
        let head = self.store()?.act_on_baselines(acts).await?;
        print(&head.map_or_else(String::new, |head| format!("noted as record {} of the ledger\n", head.seq)))
    }

    /// The baselines as they were last seen; none while there is no store.
    pub(super) async fn baselines(&self, filter: BaselineFilter) -> Result<Vec<Baseline>, CliError> {
        match open_to_read(&self.setup.loaded.config.store)? {
            Some(store) => Ok(store.baselines(filter).await?),
            None => Ok(Vec::new()),
        }
    }

    /// The store, beside a running daemon where there is one.
    fn store(&self) -> Result<Sqlite, CliError> {
        let config = &self.setup.loaded.config.store;
        if config.path == Path::new(IN_MEMORY) {
            return Err(CliError::Unknown(
                "store.path keeps nothing: what is signed needs a file; --store FILE gives one".into(),
            ));
        }
        let store = match tokio::task::block_in_place(|| Sqlite::open(config)) {
            Err(StoreError::InUse { .. }) => tokio::task::block_in_place(|| Sqlite::open_beside(config)),
            opened => opened,
        };
        Ok(store?)
    }
}

/// The acts of the ledger; none while there is no store.
async fn read(config: &Config) -> Result<Vec<ActRecord>, CliError> {
    match open_to_read(config)? {
        Some(store) => Ok(store.acts(0).await?),
        None => Ok(Vec::new()),
    }
}

pub(super) fn open_to_read(config: &Config) -> Result<Option<Sqlite>, CliError> {
    if config.path == Path::new(IN_MEMORY) || !config.path.exists() {
        return Ok(None);
    }
    // an older format is brought up to date by whoever may write
    let store = match tokio::task::block_in_place(|| Sqlite::open(config)) {
        Err(StoreError::InUse { .. } | StoreError::File { .. }) => {
            tokio::task::block_in_place(|| Sqlite::open_read_only(config))
        }
        opened => opened,
    }?;
    Ok(Some(store))
}

/// What is said about a name that does not exist.
pub(super) fn stranger<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> CliError {
    let hint = did_you_mean(name, known).map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    CliError::Unknown(format!("there is no {what} {name:?}{hint}"))
}
