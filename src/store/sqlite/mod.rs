//! The default store: one `SQLite` file in WAL mode, one writing thread, two reading connections.
//!
//! Everything is written with `synchronous = FULL`: what was acknowledged has reached the disk. Calls run on
//! blocking threads of the runtime, so that paused test time stands still while one is under way.

mod adopt;
mod approvals;
mod baselines;
mod checkpoint;
mod file;
mod ledger;
mod pasts;
mod remembered;
mod results;
mod rows;
mod samples;
mod schema;
mod seal;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{
    Act, ActRecord, Answer, Baseline, BaselineAct, BaselineFilter, BaselineSummary, ChainRecord, Change, Config,
    Filter, Head, Latest, LedgerRecord, Past, Seen, Store, StoreError, Stored, Verification, Visit,
};
use crate::model::{AssetId, CheckId, FactId, Sample, Time, Transition};
use writer::Writer;

/// Connections that read beside the writer.
const READERS: usize = 2;
/// How long a reader waits for a checkpoint of the writer.
const BUSY: Duration = Duration::from_secs(5);
/// The path that keeps nothing.
const IN_MEMORY: &str = ":memory:";

/// The embedded store; cloning shares it.
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// `None` when opened for reading.
    writer: Option<Writer>,
    /// Empty for a store in memory: there the writer reads.
    readers: Vec<Mutex<Connection>>,
    next_reader: AtomicUsize,
    keep: results::Keep,
    /// Whether another process writes the store and this one only adds acts of persons.
    beside: bool,
    /// Whether what it sees is there for the next process, so that an age says something.
    lasts: bool,
    // dropped last: nobody else may write before the writer has ended
    _lock: Option<file::Lock>,
}

impl Sqlite {
    /// Opens a store for writing: creates, locks, inspects and migrates it. Blocks; call it before the runtime is busy.
    ///
    /// # Errors
    ///
    /// Another process writes it, a newer program wrote it, it is damaged, or its files cannot be used.
    pub fn open(config: &Config) -> Result<Self, StoreError> {
        let keep = results::Keep { entries: config.keep_evidence, days: config.keep_days };
        let path = config.path.clone();
        if path.as_os_str() == IN_MEMORY {
            let connection = Connection::open_in_memory()?;
            schema::migrate(&connection, &path, 0)?;
            return Self::build(path, Some(connection), Vec::new(), keep, None);
        }
        let lock = file::lock(&path)?;
        let size = file::prepare(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        settle(&connection).map_err(|error| damaged(&path, error))?;
        schema::migrate(&connection, &path, size)?;
        let readers = (0..READERS).map(|_| reader(&path).map(Mutex::new)).collect::<Result<_, _>>()?;
        Self::build(path, Some(connection), readers, keep, Some(lock))
    }

    /// A store for one round, gone with the process: it takes everything, and refuses to say since when something was
    /// seen, because nothing seen for the first time in every run ever grows old.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn for_one_round() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        schema::migrate(&connection, Path::new(IN_MEMORY), 0)?;
        let mut inner = Self::inner(IN_MEMORY.into(), Some(connection), Vec::new(), results::Keep::default(), None)?;
        inner.lasts = false;
        Ok(Self(Arc::new(inner)))
    }

    /// Opens an existing store beside a running daemon, for commands that only look. Every write is refused.
    ///
    /// # Errors
    ///
    /// As [`Sqlite::open`]; also when there is no such file, or it has an older format.
    pub fn open_read_only(config: &Config) -> Result<Self, StoreError> {
        let path = config.path.clone();
        std::fs::metadata(&path).map_err(|source| StoreError::File { path: path.clone(), source })?;
        let connection = reader(&path)?;
        let found = schema::inspect(&connection, &path)?;
        if found < schema::NEWEST {
            let problem = format!("it has the older format {found}: start the daemon once to bring it up to date");
            return Err(StoreError::Damaged { path, problem });
        }
        Self::build(path, None, vec![Mutex::new(connection)], results::Keep::default(), None)
    }

    /// Opens an existing store beside a running daemon to add what a person did; every other write is refused. The database
    /// itself keeps the two writers apart, and each record takes its place in the one chain.
    ///
    /// # Errors
    ///
    /// As [`Sqlite::open_read_only`].
    pub fn open_beside(config: &Config) -> Result<Self, StoreError> {
        drop(Self::open_read_only(config)?);
        let path = config.path.clone();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        settle(&connection).map_err(|error| damaged(&path, error))?;
        let readers = vec![Mutex::new(reader(&path)?)];
        let mut inner = Self::inner(path, Some(connection), readers, results::Keep::default(), None)?;
        inner.beside = true;
        Ok(Self(Arc::new(inner)))
    }

    fn build(
        path: PathBuf,
        writing: Option<Connection>,
        readers: Vec<Mutex<Connection>>,
        keep: results::Keep,
        lock: Option<file::Lock>,
    ) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Self::inner(path, writing, readers, keep, lock)?)))
    }

    fn inner(
        path: PathBuf,
        writing: Option<Connection>,
        readers: Vec<Mutex<Connection>>,
        keep: results::Keep,
        lock: Option<file::Lock>,
    ) -> Result<Inner, StoreError> {
        let writer = writing.map(Writer::spawn).transpose();
        let writer = writer.map_err(|source| StoreError::File { path: path.clone(), source })?;
        Ok(Inner {
            path,
            writer,
            readers,
            next_reader: AtomicUsize::new(0),
            keep,
            beside: false,
            lasts: true,
            _lock: lock,
        })
    }

    fn write<T: Send + 'static>(
        &self,
        rows: usize,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, T> {
        self.call(move |inner| {
            let writer = inner.writer.as_ref().filter(|_| !inner.beside);
            writer.ok_or(StoreError::ReadOnly)?.run(rows, act)
        })
    }

    fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, T> {
        self.call(move |inner| match &inner.writer {
            Some(writer) if inner.readers.is_empty() => writer.run(0, act),
            _ => inner.with_reader(act),
        })
    }

    fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, T> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || act(&inner).map_err(|error| inner.explain(error)));
            done.await.unwrap_or(Err(StoreError::Stopped))
        })
    }
}

impl Inner {
    fn with_reader<T>(&self, act: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1);
        let reader = self.readers.get(turn).ok_or(StoreError::Stopped)?;
        act(&reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Damage can show up at any read; say so in the words of the first look.
    fn explain(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Database(error) if is_damage(&error) => damaged(&self.path, error),
            other => other,
        }
    }
}

/// One visit or more share a disk write, none is acknowledged before it.
fn settle(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

fn damaged(path: &Path, error: rusqlite::Error) -> StoreError {
    if is_damage(&error) {
        return StoreError::Damaged { path: path.to_owned(), problem: error.to_string() };
    }
    StoreError::Database(error)
}

impl Store for Sqlite {
    fn record_all(&self, seen: Vec<Seen>) -> Answer<'_, Vec<Transition>> {
        let keep = self.0.keep;
        let rows = |one: &Seen| one.results.len() + one.sightings.len() + usize::from(one.visit.is_some());
        self.write(seen.iter().map(rows).sum(), move |connection| {
            let mut transitions = Vec::new();
            for Seen { results, sightings, visit } in &seen {
                transitions.extend(results::record(connection, results, keep)?);
                sightings.iter().try_for_each(|sighting| baselines::seen(connection, sighting))?;
                if let Some(visit) = visit {
                    remembered::visit_done(connection, visit)?;
                    checkpoint::written(connection)?;
                }
            }
            Ok(transitions)
        })
    }

    fn latest(&self) -> Answer<'_, Vec<Latest>> {
        self.read(results::latest)
    }

    fn results(&self, filter: Filter, limit: usize) -> Answer<'_, Vec<Stored>> {
        self.read(move |connection| results::stored(connection, &filter, limit))
    }

    fn judgements(&self, pairs: Vec<(AssetId, CheckId)>) -> Answer<'_, Vec<Stored>> {
        self.read(move |connection| results::judgements(connection, &pairs))
    }

    fn transitions(&self, filter: Filter, limit: usize) -> Answer<'_, Vec<LedgerRecord>> {
        self.read(move |connection| ledger::transitions(connection, &filter, limit))
    }

    fn changes(&self, from: Time) -> Answer<'_, Vec<Change>> {
        self.read(move |connection| ledger::changes(connection, from))
    }

    fn pasts(&self, after: Option<(AssetId, CheckId)>, pairs: usize) -> Answer<'_, Vec<Past>> {
        self.read(move |connection| pasts::pasts(connection, after.as_ref(), pairs))
    }

    fn evidence(&self, asset: &AssetId, check: &CheckId, limit: usize) -> Answer<'_, Vec<Stored>> {
        let (asset, check) = (asset.clone(), check.clone());
        self.read(move |connection| results::evidence(connection, &asset, &check, limit))
    }

    fn last_visits(&self) -> Answer<'_, Vec<Visit>> {
        self.read(remembered::last_visits)
    }

    fn host_keys(&self, asset: &AssetId, endpoint: &str) -> Answer<'_, Vec<String>> {
        let (asset, endpoint) = (asset.clone(), endpoint.to_owned());
        self.read(move |connection| remembered::host_keys(connection, &asset, &endpoint))
    }

    fn learn_host_key(&self, asset: &AssetId, endpoint: &str, fingerprint: &str, now: Time) -> Answer<'_, ()> {
        let (asset, endpoint, fingerprint) = (asset.clone(), endpoint.to_owned(), fingerprint.to_owned());
        self.write(1, move |connection| remembered::learn_host_key(connection, &asset, &endpoint, &fingerprint, now))
    }

    fn forget_host_keys(&self, asset: &AssetId, actor: &str, now: Time) -> Answer<'_, usize> {
        let (asset, actor) = (asset.clone(), actor.to_owned());
        self.write(1, move |connection| remembered::forget_host_keys(connection, &asset, &actor, now))
    }

    fn first_seen(&self, asset: &AssetId, fact: &FactId, keys: Vec<String>, now: Time) -> Answer<'_, Vec<Time>> {
        let (asset, fact) = (asset.clone(), fact.clone());
        if !self.0.lasts && !keys.is_empty() {
            return Box::pin(async { Err(StoreError::Fleeting) });
        }
        if self.0.writer.is_none() || self.0.beside {
            return self.read(move |connection| remembered::look_first_seen(connection, &asset, &fact, &keys, now));
        }
        self.write(keys.len(), move |connection| remembered::first_seen(connection, &asset, &fact, &keys, now))
    }

    fn samples(&self, asset: &AssetId, fact: &FactId, from: Time) -> Answer<'_, Vec<Sample>> {
        let (asset, fact) = (asset.clone(), fact.clone());
        self.read(move |connection| samples::since(connection, &asset, &fact, from))
    }

    fn keep_sample(&self, asset: &AssetId, fact: &FactId, sample: Sample, from: Time, every: bool) -> Answer<'_, ()> {
        if !self.0.lasts || self.0.writer.is_none() {
            return Box::pin(async { Ok(()) });
        }
        let (asset, fact) = (asset.clone(), fact.clone());
        self.write(1, move |connection| samples::keep(connection, &asset, &fact, &sample, from, every))
    }

    fn retain(&self, plan: Vec<(AssetId, CheckId)>, now: Time) -> Answer<'_, usize> {
        let keep = self.0.keep;
        self.write(1, move |connection| results::retain(connection, plan, now, keep))
    }

    fn flag(&self, name: &str) -> Answer<'_, bool> {
        let name = name.to_owned();
        self.read(move |connection| remembered::flag(connection, &name))
    }

    fn set_flag(&self, name: &str, on: bool, actor: &str, now: Time) -> Answer<'_, ()> {
        let (name, actor) = (name.to_owned(), actor.to_owned());
        self.write(1, move |connection| remembered::set_flag(connection, &name, on, &actor, now))
    }

    fn note(&self, name: &str) -> Answer<'_, Option<String>> {
        let name = name.to_owned();
        self.read(move |connection| remembered::note(connection, &name))
    }

    fn keep_note(&self, name: &str, text: &str) -> Answer<'_, ()> {
        let (name, text) = (name.to_owned(), text.to_owned());
        self.write(1, move |connection| remembered::keep_note(connection, &name, &text))
    }

    fn act(&self, act: Act) -> Answer<'_, Head> {
        self.call(move |inner| {
            let writer = inner.writer.as_ref().ok_or(StoreError::ReadOnly)?;
            writer.run(1, move |connection| ledger::act(connection, &act))
        })
    }

    fn acts(&self, after: u64) -> Answer<'_, Vec<ActRecord>> {
        self.read(move |connection| ledger::acts(connection, after))
    }

    fn baselines(&self, filter: BaselineFilter) -> Answer<'_, Vec<Baseline>> {
        if !self.0.lasts {
            return Box::pin(async { Err(StoreError::Fleeting) });
        }
        self.read(move |connection| baselines::all(connection, &filter))
    }

    fn baseline_summary(&self) -> Answer<'_, BaselineSummary> {
        self.read(baselines::summary)
    }

    fn act_on_baselines(&self, acts: Vec<BaselineAct>) -> Answer<'_, Option<Head>> {
        self.call(move |inner| {
            let writer = inner.writer.as_ref().ok_or(StoreError::ReadOnly)?;
            writer.run(acts.len(), move |connection| {
                acts.iter().try_fold(None, |_, act| baselines::act(connection, act).map(Some))
            })
        })
    }

    fn head(&self) -> Answer<'_, Option<Head>> {
        self.read(ledger::head)
    }

    fn checkpoint(&self, now: Time) -> Answer<'_, Head> {
        Box::pin(async move {
            // readers take their time, the writer only waits for one record
            let state = self.read(checkpoint::look).await?;
            self.write(1, move |connection| checkpoint::put(connection, &state, now)).await
        })
    }

    fn chain(&self, after: u64, limit: usize) -> Answer<'_, Vec<ChainRecord>> {
        self.read(move |connection| ledger::chain(connection, after, limit))
    }

    fn verify(&self, noted: Vec<Head>) -> Answer<'_, Verification> {
        self.read(move |connection| verify::verify(connection, &noted))
    }
}

#[cfg(test)]
mod tests;
