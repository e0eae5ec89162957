//! The tables, and how an older file becomes a current one.
//!
//! Each step runs in a transaction of its own together with its number; steps are never changed once released.

use std::path::Path;

use rusqlite::Connection;

use super::adopt::adopt;
use super::damaged;
use crate::store::StoreError;

/// Marks the file as ours ("nis2" in ASCII), so that another program's database is not taken over.
const APPLICATION_ID: i64 = 0x6e69_7332;

/// Files up to this size are read through at start; larger ones only by `ledger verify`, to start in time.
const CHECKED_AT_OPEN: u64 = 64 * 1024 * 1024;

const MIGRATIONS: &[&str] = &[
    // 1: times are microseconds since 1970 in UTC; states and causes are the words of the model
    "CREATE TABLE latest (
        asset TEXT NOT NULL, check_id TEXT NOT NULL, zone TEXT NOT NULL, check_version INTEGER NOT NULL,
        severity TEXT NOT NULL, controls TEXT NOT NULL, state TEXT NOT NULL, cause TEXT, since INTEGER NOT NULL,
        first_at INTEGER NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
        reason TEXT NOT NULL, observed TEXT NOT NULL, expected TEXT NOT NULL, params TEXT NOT NULL, evidence TEXT NOT NULL,
        UNIQUE (asset, check_id)
    ) STRICT;
    CREATE INDEX latest_open ON latest (state) WHERE state NOT IN ('pass', 'not_applicable');
    CREATE TABLE evidence (
        id INTEGER PRIMARY KEY,
        asset TEXT NOT NULL, check_id TEXT NOT NULL, zone TEXT NOT NULL, check_version INTEGER NOT NULL,
        severity TEXT NOT NULL, controls TEXT NOT NULL, state TEXT NOT NULL, cause TEXT, since INTEGER NOT NULL,
        first_at INTEGER NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
        reason TEXT NOT NULL, observed TEXT NOT NULL, expected TEXT NOT NULL, params TEXT NOT NULL, evidence TEXT NOT NULL
    ) STRICT;
    CREATE INDEX evidence_pair ON evidence (asset, check_id, id);
    CREATE INDEX evidence_age ON evidence (at);
    CREATE TABLE ledger (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, asset TEXT NOT NULL, zone TEXT NOT NULL,
        check_id TEXT NOT NULL, severity TEXT NOT NULL, from_state TEXT, from_cause TEXT, to_state TEXT, to_cause TEXT,
        reason TEXT NOT NULL, prev_digest BLOB NOT NULL, digest BLOB NOT NULL
    ) STRICT;
    CREATE INDEX ledger_pair ON ledger (asset, check_id, seq);
    CREATE TABLE ledger_head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
    CREATE TABLE visits (
        asset TEXT PRIMARY KEY, at INTEGER NOT NULL, duration_us INTEGER NOT NULL, reachable TEXT NOT NULL
    ) STRICT;
    CREATE TABLE host_keys (
        asset TEXT NOT NULL, endpoint TEXT NOT NULL, fingerprint TEXT NOT NULL, learnt_at INTEGER NOT NULL,
        PRIMARY KEY (asset, endpoint, fingerprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE first_seen (
        asset TEXT NOT NULL, fact TEXT NOT NULL, item TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
        PRIMARY KEY (asset, fact, item)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    // 2: numbers of facts over time, as JSON
    "CREATE TABLE samples (
        asset TEXT NOT NULL, fact TEXT NOT NULL, at INTEGER NOT NULL, numbers TEXT NOT NULL,
        PRIMARY KEY (asset, fact, at)
    ) STRICT, WITHOUT ROWID;",
    // 3: what persons do stands in the same chain; the digest of older records does not change
    "ALTER TABLE ledger ADD COLUMN actor TEXT;
    ALTER TABLE ledger ADD COLUMN body TEXT;
    CREATE INDEX ledger_acts ON ledger (seq) WHERE kind = 'act';",
    // 4: the chain vouches for rows; `adopt` brings those that are there under it
    "ALTER TABLE latest ADD COLUMN digest BLOB;
    ALTER TABLE evidence ADD COLUMN digest BLOB;
    ALTER TABLE evidence ADD COLUMN ended_by INTEGER;",
    // 5: baselines: what is there, every approval by its number in the chain, and announced changes
    "CREATE TABLE baselines (
        asset TEXT NOT NULL, check_id TEXT NOT NULL, zone TEXT NOT NULL, standing TEXT NOT NULL,
        touched INTEGER NOT NULL, since INTEGER NOT NULL, sha256 TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (asset, check_id)
    ) STRICT;
    CREATE INDEX baselines_zone ON baselines (zone, standing);
    CREATE TABLE approvals (
        seq INTEGER PRIMARY KEY, asset TEXT NOT NULL, check_id TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL, until INTEGER, before INTEGER, stands INTEGER NOT NULL, reverted INTEGER,
        sha256 TEXT NOT NULL, value TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX approvals_stand ON approvals (asset, check_id) WHERE stands = 1;
    CREATE TABLE change_plans (
        asset TEXT NOT NULL, check_id TEXT NOT NULL, seq INTEGER NOT NULL, ticket TEXT NOT NULL, actor TEXT NOT NULL,
        until INTEGER NOT NULL, PRIMARY KEY (asset, check_id)
    ) STRICT, WITHOUT ROWID;",
];

/// The step after which the rows of an older store are taken under the chain.
const VOUCHES: i64 = 4;

/// The newest format that this program knows.
#[expect(clippy::cast_possible_wrap, reason = "a handful")]
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// Brings a file to the newest format.
///
/// # Errors
///
/// A newer, foreign or damaged file is refused and not touched.
pub(super) fn migrate(connection: &Connection, path: &Path, size: u64) -> Result<(), StoreError> {
    let from = inspect(connection, path)?;
    if size <= CHECKED_AT_OPEN && from > 0 {
        quick_check(connection, path)?;
    }
    for (step, sql) in (1..).zip(MIGRATIONS).skip(usize::try_from(from).unwrap_or(0)) {
        let transaction = connection.unchecked_transaction()?;
        transaction
            .execute_batch(&format!("{sql} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {step};"))?;
        if step == VOUCHES {
            adopt(&transaction)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Reads the format of a file: 0 for an empty one.
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = number("user_version").map_err(|error| damaged(path, error))?;
    let application = number("application_id").map_err(|error| damaged(path, error))?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| damaged(path, error))?;
    if tables > 0 && application != APPLICATION_ID {
        let problem = "it is the database of another program".to_owned();
        return Err(StoreError::Damaged { path: path.to_owned(), problem });
    }
    if version > NEWEST {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: NEWEST });
    }
    Ok(version)
}

fn quick_check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let said: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| damaged(path, error))?;
    if said == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), problem: said }) }
}
