//! What is remembered about assets beside verdicts: visits, host keys, first-seen times; and small settings.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest as _, Sha256};

use super::checkpoint;
use super::ledger::{self, Event, FLAG};
use super::rows::{self, micros};
use super::seal;
use crate::model::{AssetId, FactId, Time, Transport};
use crate::store::{Digest, StoreError, Visit};

/// A key that is not reported any more is forgotten after this; a package may vanish for one bad answer.
const GRACE: TimeDelta = TimeDelta::days(30);
/// A key that is still there is noted at most this often, to spare the disk.
const NOTED_EVERY: TimeDelta = TimeDelta::days(1);
/// What the name of a note begins with among the settings.
const NOTE: &str = "note.";
/// Longer keys are remembered by their digest.
const KEY_CAP: usize = 256;

pub(super) fn visit_done(connection: &Connection, visit: &Visit) -> Result<(), StoreError> {
    let reachable: BTreeMap<&str, bool> = visit.reachable.iter().map(|(over, up)| (over.word(), *up)).collect();
    connection
        .prepare_cached("INSERT OR REPLACE INTO visits (asset, at, duration_us, reachable) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            visit.asset.as_str(),
            micros(visit.at),
            i64::try_from(visit.duration.as_micros()).unwrap_or(i64::MAX),
            rows::json(&reachable)
        ])?;
    Ok(())
}

pub(super) fn last_visits(connection: &Connection) -> Result<Vec<Visit>, StoreError> {
    let mut query = connection.prepare_cached("SELECT asset, at, duration_us, reachable FROM visits ORDER BY asset")?;
    let mut found = query.query([])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let reachable: BTreeMap<String, bool> = rows::from_json(&row.get::<_, String>(3)?, "reachable")?;
        let transport = |(word, up): (String, bool)| Transport::from_word(&word).map(|over| (over, up));
        all.push(Visit {
            asset: rows::parsed(&row.get::<_, String>(0)?, "asset")?,
            at: rows::time(row.get(1)?, "at")?,
            duration: Duration::from_micros(row.get::<_, i64>(2)?.unsigned_abs()),
            reachable: reachable.into_iter().filter_map(transport).collect(),
        });
    }
    Ok(all)
}

pub(super) fn host_keys(connection: &Connection, asset: &AssetId, endpoint: &str) -> Result<Vec<String>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT fingerprint FROM host_keys WHERE asset = ?1 AND endpoint = ?2 ORDER BY learnt_at, fingerprint",
    )?;
    let found = query.query_map([asset.as_str(), endpoint], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(super) fn learn_host_key(
    connection: &Connection,
    asset: &AssetId,
    endpoint: &str,
    fingerprint: &str,
    now: Time,
) -> Result<(), StoreError> {
    let learnt = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO host_keys (asset, endpoint, fingerprint, learnt_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![asset.as_str(), endpoint, fingerprint, micros(now)])?;
    if learnt > 0 {
        ledger::append(connection, &Event::key_learnt(asset.as_str(), endpoint, fingerprint, micros(now)))?;
    }
    Ok(())
}

pub(super) fn forget_host_keys(
    connection: &Connection,
    asset: &AssetId,
    actor: &str,
    now: Time,
) -> Result<usize, StoreError> {
    let forgotten = connection.execute("DELETE FROM host_keys WHERE asset = ?1", [asset.as_str()])?;
    if forgotten > 0 {
        ledger::append(connection, &Event::keys_forgotten(asset, actor, now))?;
    }
    Ok(forgotten)
}

pub(super) fn first_seen(
    connection: &Connection,
    asset: &AssetId,
    fact: &FactId,
    keys: &[String],
    now: Time,
) -> Result<Vec<Time>, StoreError> {
    let (asset, fact) = (asset.as_str(), fact.as_str());
    let mut look = connection
        .prepare_cached("SELECT first_at, last_at FROM first_seen WHERE asset = ?1 AND fact = ?2 AND item = ?3")?;
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO first_seen (asset, fact, item, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut seen = Vec::with_capacity(keys.len());
    let (mut is_other, mut is_noted) = (false, false);
    for key in keys {
        let item = item(key);
        let known: Option<(i64, i64)> =
            look.query_row([asset, fact, &item], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        // a clock that once ran ahead must not make ages negative
        let first = known.map_or(micros(now), |(first, _)| first.min(micros(now)));
        if known != Some((first, micros(now))) && known.is_none_or(|(_, last)| last <= micros(now - NOTED_EVERY)) {
            put.execute(params![asset, fact, item, first, micros(now)])?;
            is_noted = true;
            is_other |= known.is_none_or(|(before, _)| before != first);
        }
        seen.push(rows::time(first, "first_at")?);
    }
    let forgotten = connection
        .prepare_cached("DELETE FROM first_seen WHERE asset = ?1 AND fact = ?2 AND last_at < ?3")?
        .execute(params![asset, fact, micros(now - GRACE)])?;
    if is_noted || forgotten > 0 {
        checkpoint::written(connection)?;
    }
    if is_other || forgotten > 0 {
        let now_known = seal::first_seen(connection, asset, fact)?;
        ledger::append(connection, &Event::first_seen(asset, fact, now_known, micros(now)))?;
    }
    Ok(seen)
}

/// The same beside a running daemon: nothing is noted, what is new was first seen `now`.
pub(super) fn look_first_seen(
    connection: &Connection,
    asset: &AssetId,
    fact: &FactId,
    keys: &[String],
    now: Time,
) -> Result<Vec<Time>, StoreError> {
    let mut look =
        connection.prepare_cached("SELECT first_at FROM first_seen WHERE asset = ?1 AND fact = ?2 AND item = ?3")?;
    let mut seen = Vec::with_capacity(keys.len());
    for key in keys {
        let known = look.query_row([asset.as_str(), fact.as_str(), &item(key)], |row| row.get(0)).optional()?;
        seen.push(rows::time(known.unwrap_or(i64::MAX).min(micros(now)), "first_at")?);
    }
    Ok(seen)
}

fn item(key: &str) -> String {
    if key.len() <= KEY_CAP {
        return key.to_owned();
    }
    format!("sha256:{}", Digest(Sha256::digest(key.as_bytes()).into()))
}

pub(super) fn flag(connection: &Connection, name: &str) -> Result<bool, StoreError> {
    let value: Option<String> = connection
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([format!("{FLAG}{name}")], |row| row.get(0))
        .optional()?;
    Ok(value.as_deref() == Some("on"))
}

pub(super) fn set_flag(
    connection: &Connection,
    name: &str,
    on: bool,
    actor: &str,
    now: Time,
) -> Result<(), StoreError> {
    let (name, value) = (format!("{FLAG}{name}"), if on { "on" } else { "off" });
    connection
        .prepare_cached("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)")?
        .execute([name.as_str(), value])?;
    ledger::append(connection, &Event::flag(&name, value, actor, micros(now)))?;
    Ok(())
}

pub(super) fn note(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut query = connection.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(query.query_row([format!("{NOTE}{name}")], |row| row.get(0)).optional()?)
}

pub(super) fn keep_note(connection: &Connection, name: &str, text: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)")?
        .execute([format!("{NOTE}{name}").as_str(), text])?;
    Ok(())
}
