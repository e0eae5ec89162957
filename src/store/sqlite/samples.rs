//! Numbers of facts over time, for what changed since an earlier visit.

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension, params};

use super::checkpoint;
use super::rows::{self, micros};
use crate::model::{AssetId, FactId, Sample, Time};
use crate::store::StoreError;

/// Samples that are compared lie at least so far apart: a check every minute must not fill the disk.
const SPACING: TimeDelta = TimeDelta::seconds(150);
/// Most samples of one fact, whatever the times say.
const MOST: i64 = 512;

pub(super) fn since(
    connection: &Connection,
    asset: &AssetId,
    fact: &FactId,
    from: Time,
) -> Result<Vec<Sample>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT at, numbers FROM samples WHERE asset = ?1 AND fact = ?2 AND at >= coalesce(
            (SELECT max(at) FROM samples WHERE asset = ?1 AND fact = ?2 AND at < ?3), ?3) ORDER BY at",
    )?;
    let mut found = query.query(params![asset.as_str(), fact.as_str(), micros(from)])?;
    let mut samples = Vec::new();
    while let Some(row) = found.next()? {
        let numbers = rows::from_json(&row.get::<_, String>(1)?, "numbers")?;
        samples.push(Sample { at: rows::time(row.get(0)?, "at")?, numbers });
    }
    Ok(samples)
}

pub(super) fn keep(
    connection: &Connection,
    asset: &AssetId,
    fact: &FactId,
    sample: &Sample,
    from: Time,
    every: bool,
) -> Result<(), StoreError> {
    let (asset, fact, at) = (asset.as_str(), fact.as_str(), micros(sample.at));
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(at) FROM samples WHERE asset = ?1 AND fact = ?2 AND at <= ?3")?
        .query_row(params![asset, fact, at], |row| row.get(0))
        .optional()?
        .flatten();
    if every || last.is_none_or(|last| last <= micros(sample.at - SPACING)) {
        connection
            .prepare_cached("INSERT OR REPLACE INTO samples (asset, fact, at, numbers) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![asset, fact, at, rows::json(&sample.numbers)])?;
    }
    // a clock that once ran ahead leaves samples that nothing would ever be compared with
    connection
        .prepare_cached(
            "DELETE FROM samples WHERE asset = ?1 AND fact = ?2 AND (at > ?4 OR at <
                (SELECT max(at) FROM samples WHERE asset = ?1 AND fact = ?2 AND at < ?3)
                OR at <= (SELECT at FROM samples WHERE asset = ?1 AND fact = ?2 ORDER BY at DESC LIMIT 1 OFFSET ?5))",
        )?
        .execute(params![asset, fact, micros(from), at, MOST])?;
    checkpoint::written(connection)
}
