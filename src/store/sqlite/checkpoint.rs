//! The whole state at one moment, as digests in one record.
//!
//! What is renewed with every visit has no record of its own. A checkpoint binds it as it is then, and it can be
//! compared until the next write; after an orderly end of the daemon that is for ever.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::ledger::{self, Event};
use super::rows::{self, micros};
use super::seal::Sealer;
use crate::model::Time;
use crate::store::{Head, StoreError};

const DOMAIN: &[u8] = b"nis2watch table 1\0";
/// Counts the writes that have no record of their own.
const WRITES: &str = "writes";
/// What is digested of each table, in which order.
const TABLES: [(&str, &str); 4] = [
    ("first_seen", "SELECT asset, fact, item, first_at, last_at FROM first_seen ORDER BY asset, fact, item"),
    ("latest", "SELECT asset, check_id, digest FROM latest ORDER BY asset, check_id"),
    ("samples", "SELECT asset, fact, at, numbers FROM samples ORDER BY asset, fact, at"),
    ("visits", "SELECT asset, at, duration_us, reachable FROM visits ORDER BY asset"),
];

/// The state as a checkpoint holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Writes so far.
    pub(super) writes: u64,
    /// The digest of each table.
    pub(super) tables: BTreeMap<String, String>,
}

/// Notes that something was written which no record of its own tells.
pub(super) fn written(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO settings (name, value) VALUES (?1, '1') \
             ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
        )?
        .execute([WRITES])?;
    Ok(())
}

/// Digests the tables as one reader sees them at one moment.
pub(super) fn look(connection: &Connection) -> Result<State, StoreError> {
    if !connection.is_autocommit() {
        return state(connection);
    }
    let moment = connection.unchecked_transaction()?;
    state(&moment)
}

pub(super) fn state(connection: &Connection) -> Result<State, StoreError> {
    let writes: Option<String> = connection
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([WRITES], |row| row.get(0))
        .optional()?;
    let mut tables = BTreeMap::new();
    for (name, sql) in TABLES {
        tables.insert(name.to_owned(), table(connection, sql)?);
    }
    Ok(State { writes: writes.and_then(|text| text.parse().ok()).unwrap_or(0), tables })
}

fn table(connection: &Connection, sql: &str) -> Result<String, StoreError> {
    let mut seal = Sealer::new(DOMAIN);
    let mut query = connection.prepare(sql)?;
    let width = query.column_count();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        for at in 0..width {
            match row.get_ref(at)? {
                ValueRef::Integer(number) => seal.number(number),
                ValueRef::Blob(bytes) => seal.bytes(bytes),
                ValueRef::Text(text) => seal.text(std::str::from_utf8(text).ok()),
                ValueRef::Null | ValueRef::Real(_) => seal.text(None),
            };
        }
    }
    Ok(seal.finish().to_string())
}

/// Writes what a reader saw into the chain.
pub(super) fn put(connection: &Connection, state: &State, now: Time) -> Result<Head, StoreError> {
    ledger::append(connection, &Event::whole(ledger::CHECKPOINT, state, micros(now)))?;
    ledger::last(connection)?.ok_or_else(|| rows::unreadable("seq", "nothing after a checkpoint"))
}
