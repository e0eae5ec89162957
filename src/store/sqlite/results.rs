//! Latest verdicts and their evidence.
//!
//! `latest` holds the newest judgement of each pair. As long as the same is observed, its row is renewed and its
//! count grows; when something else is observed, the row first moves to `evidence`. So the history of a quiet
//! plant stays small and still proves from when to when something held.

use std::collections::HashSet;

use chrono::TimeDelta;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, params};

use super::baselines;
use super::checkpoint;
use super::ledger::{self, Event};
use super::rows::{self, COLUMNS, micros};
use super::seal::{self, Bound, Columns};
use crate::model::{AssetId, Cause, CheckId, CheckResult, Time, Transition, Verdict};
use crate::store::{Digest, Filter, Latest, StoreError, Stored};

/// How much of the past is kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keep {
    /// Entries of a pair.
    pub(super) entries: u32,
    /// Days.
    pub(super) days: u32,
}

/// What `latest` holds before a result comes in.
struct Before {
    rowid: i64,
    verdict: Verdict,
    since: i64,
    first_at: i64,
    times: i64,
    version: u32,
    zone: String,
    severity: String,
    controls: String,
    reason: String,
    observed: String,
    expected: String,
    params: String,
    digest: Option<Vec<u8>>,
}

/// A result as it goes into the columns.
struct Row<'a> {
    result: &'a CheckResult,
    controls: String,
    evidence: String,
    reason: String,
    observed: String,
    expected: String,
    params: String,
    since: i64,
    first_at: i64,
    times: i64,
}

pub(super) fn record(
    connection: &Connection,
    results: &[CheckResult],
    keep: Keep,
) -> Result<Vec<Transition>, StoreError> {
    let mut transitions = Vec::new();
    for result in results {
        transitions.extend(record_one(connection, result, keep)?);
    }
    checkpoint::written(connection)?;
    if let Some(now) = results.iter().map(|result| result.at).max() {
        tidy_daily(connection, now, keep)?;
    }
    Ok(transitions)
}

fn record_one(connection: &Connection, result: &CheckResult, keep: Keep) -> Result<Option<Transition>, StoreError> {
    let judgement = &result.judgement;
    let at = micros(result.at);
    let mut row = Row {
        result,
        controls: rows::json(&result.controls),
        evidence: rows::evidence(&result.evidence),
        reason: rows::reason(&judgement.reason),
        observed: rows::value(&judgement.observed),
        expected: rows::value(&judgement.expected),
        params: rows::params(&judgement.params),
        since: at,
        first_at: at,
        times: 1,
    };
    let before = before(connection, &result.asset, &result.check)?;
    if let Some(before) = &before {
        if before.verdict.code() == judgement.verdict.code() {
            row.since = before.since;
        }
        if before.is_repeated_by(&row) {
            (row.first_at, row.times) = (before.first_at, before.times + 1);
            renew(connection, &row, before.rowid)?;
            return Ok(None);
        }
    }
    begin(connection, &row, before.as_ref(), keep)
}

/// A judgement that is another than the one before: the chain hears of both, and the one before moves to the history.
fn begin(
    connection: &Connection,
    row: &Row<'_>,
    before: Option<&Before>,
    keep: Keep,
) -> Result<Option<Transition>, StoreError> {
    let result = row.result;
    let (from, judgement) = (before.map(|before| before.verdict), row.columns().judgement());
    let ended = before.and_then(|before| hex(before.digest.as_deref()));
    let bound = Bound { judgement: Some(judgement.to_string()), ended };
    let transition = row.transition(from);
    let event = match from.filter(|from| from.code() == transition.to.code()) {
        Some(from) => Event::judgement(&row.columns(), from, &bound),
        None => Event::of(&transition, &bound),
    };
    let is_transition = from.is_none_or(|from| from.code() != transition.to.code());
    let seq = ledger::append(connection, &event)?;
    if let Some(before) = before {
        archive(connection, before.rowid, seq)?;
        prune(connection, &result.asset, &result.check, keep)?;
    }
    put(connection, row, judgement)?;
    Ok(is_transition.then_some(transition))
}

/// A stored digest as records write it.
fn hex(digest: Option<&[u8]>) -> Option<String> {
    digest.and_then(|bytes| bytes.try_into().ok()).map(|bytes| Digest(bytes).to_string())
}

impl Row<'_> {
    fn columns(&self) -> Columns<'_> {
        let result = self.result;
        let verdict = result.judgement.verdict;
        Columns {
            asset: result.asset.as_str(),
            check: result.check.as_str(),
            zone: result.zone.as_str(),
            version: result.check_version.into(),
            severity: result.severity.word(),
            controls: &self.controls,
            state: verdict.word(),
            cause: verdict.cause().map(Cause::word),
            since: self.since,
            first_at: self.first_at,
            at: micros(result.at),
            times: self.times,
            duration_ms: i64::try_from(result.duration_ms).unwrap_or(i64::MAX),
            reason: &self.reason,
            observed: &self.observed,
            expected: &self.expected,
            params: &self.params,
            evidence: &self.evidence,
        }
    }

    fn transition(&self, from: Option<Verdict>) -> Transition {
        let result = self.result;
        Transition {
            asset: result.asset.clone(),
            zone: result.zone.clone(),
            check: result.check.clone(),
            severity: result.severity,
            from,
            to: result.judgement.verdict,
            reason: self.reason.clone(),
            at: result.at,
        }
    }
}

impl Before {
    fn is_repeated_by(&self, row: &Row<'_>) -> bool {
        self.verdict == row.result.judgement.verdict
            && self.version == row.result.check_version
            && self.zone == row.result.zone.as_str()
            && self.severity == row.result.severity.word()
            && self.controls == row.controls
            && self.reason == row.reason
            && self.observed == row.observed
            && self.expected == row.expected
            && self.params == row.params
    }
}

fn before(connection: &Connection, asset: &AssetId, check: &CheckId) -> Result<Option<Before>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT rowid, state, cause, since, first_at, times, check_version, reason, observed, expected, params, zone, \
         severity, controls, digest FROM latest WHERE asset = ?1 AND check_id = ?2",
    )?;
    let mut found = query.query([asset.as_str(), check.as_str()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some(Before {
        rowid: row.get(0)?,
        verdict: rows::verdict(&row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?.as_deref())?,
        since: row.get(3)?,
        first_at: row.get(4)?,
        times: row.get(5)?,
        version: row.get(6)?,
        reason: row.get(7)?,
        observed: row.get(8)?,
        expected: row.get(9)?,
        params: row.get(10)?,
        zone: row.get(11)?,
        severity: row.get(12)?,
        controls: row.get(13)?,
        digest: row.get(14)?,
    }))
}

fn put(connection: &Connection, row: &Row<'_>, judgement: Digest) -> Result<(), StoreError> {
    let mut act = connection.prepare_cached(&format!(
        "INSERT INTO latest ({COLUMNS}, digest) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) \
         ON CONFLICT (asset, check_id) DO UPDATE SET ({COLUMNS}, digest) = \
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
    ))?;
    let columns = row.columns();
    act.execute(params![
        columns.asset,
        columns.check,
        columns.zone,
        columns.version,
        columns.severity,
        columns.controls,
        columns.state,
        columns.cause,
        columns.since,
        columns.first_at,
        columns.at,
        columns.times,
        columns.duration_ms,
        columns.reason,
        columns.observed,
        columns.expected,
        columns.params,
        columns.evidence,
        columns.entry(judgement).0,
    ])?;
    Ok(())
}

/// The same was seen again: only what a later look changes is written, and no index is touched.
fn renew(connection: &Connection, row: &Row<'_>, rowid: i64) -> Result<(), StoreError> {
    let mut act = connection.prepare_cached(
        "UPDATE latest SET at = ?2, times = ?3, duration_ms = ?4, evidence = ?5, digest = ?6 WHERE rowid = ?1",
    )?;
    let columns = row.columns();
    let digest = columns.entry(columns.judgement()).0;
    act.execute(params![rowid, columns.at, columns.times, columns.duration_ms, columns.evidence, digest])?;
    Ok(())
}

/// Moves the newest judgement of a pair to its history; the record `ended_by` holds its digest.
fn archive(connection: &Connection, rowid: i64, ended_by: i64) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO evidence ({COLUMNS}, digest, ended_by) SELECT {COLUMNS}, digest, ?2 FROM latest WHERE rowid = ?1"
    );
    connection.prepare_cached(&sql)?.execute([rowid, ended_by])?;
    Ok(())
}

fn prune(connection: &Connection, asset: &AssetId, check: &CheckId, keep: Keep) -> Result<(), StoreError> {
    let mut act = connection.prepare_cached(
        "DELETE FROM evidence WHERE id IN \
         (SELECT id FROM evidence WHERE asset = ?1 AND check_id = ?2 ORDER BY id DESC LIMIT -1 OFFSET ?3)",
    )?;
    act.execute(params![asset.as_str(), check.as_str(), keep.entries])?;
    Ok(())
}

/// Once a day of the data's own time, drops what is too old.
fn tidy_daily(connection: &Connection, now: Time, keep: Keep) -> Result<(), StoreError> {
    const NAME: &str = "tidied";
    let today = now.date_naive().to_string();
    let done: Option<String> = connection
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([NAME], |row| row.get(0))
        .optional()?;
    if done.is_some_and(|day| day >= today) {
        return Ok(());
    }
    let oldest = micros(now - TimeDelta::days(i64::from(keep.days)));
    // with what is older in the same history, also where a clock once ran ahead: a history has no holes
    connection.execute(
        "DELETE FROM evidence WHERE id IN (SELECT entry.id FROM \
           (SELECT asset, check_id, max(id) AS last FROM evidence WHERE at < ?1 GROUP BY asset, check_id) AS old \
         JOIN evidence AS entry ON entry.asset = old.asset AND entry.check_id = old.check_id AND entry.id <= old.last)",
        [oldest],
    )?;
    forget_first_seen(connection, oldest, micros(now))?;
    connection.execute("DELETE FROM samples WHERE at < ?1", [oldest])?;
    connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [NAME, &today])?;
    Ok(())
}

/// Forgets keys that nobody has named for so long, and tells the chain what is left.
fn forget_first_seen(connection: &Connection, oldest: i64, now: i64) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT DISTINCT asset, fact FROM first_seen WHERE last_at < ?1")?;
    let facts = query.query_map([oldest], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let facts: Vec<(String, String)> = facts.collect::<Result<_, _>>()?;
    connection.execute("DELETE FROM first_seen WHERE last_at < ?1", [oldest])?;
    for (asset, fact) in facts {
        let left = seal::first_seen(connection, &asset, &fact)?;
        ledger::append(connection, &Event::first_seen(&asset, &fact, left, now))?;
    }
    Ok(())
}

pub(super) fn retain(
    connection: &Connection,
    plan: Vec<(AssetId, CheckId)>,
    now: Time,
    keep: Keep,
) -> Result<usize, StoreError> {
    let plan: HashSet<_> = plan.into_iter().collect();
    let gone: Vec<Latest> = latest(connection)?
        .into_iter()
        .filter(|pair| !plan.contains(&(pair.asset.clone(), pair.check.clone())))
        .collect();
    for pair in &gone {
        leave(connection, pair, now)?;
        prune(connection, &pair.asset, &pair.check, keep)?;
        baselines::forget(connection, &pair.asset, &pair.check)?;
    }
    if !gone.is_empty() {
        checkpoint::written(connection)?;
    }
    let assets: HashSet<&AssetId> = plan.iter().map(|(asset, _)| asset).collect();
    for asset in gone.iter().map(|pair| &pair.asset).filter(|asset| !assets.contains(asset)).collect::<HashSet<_>>() {
        connection.execute("DELETE FROM visits WHERE asset = ?1", [asset.as_str()])?;
    }
    Ok(gone.len())
}

/// A pair leaves the plan: the chain says so, its last judgement moves to the history.
fn leave(connection: &Connection, pair: &Latest, now: Time) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS}, digest, rowid FROM latest WHERE asset = ?1 AND check_id = ?2");
    let mut query = connection.prepare_cached(&sql)?;
    let mut found = query.query([pair.asset.as_str(), pair.check.as_str()])?;
    let Some(row) = found.next()? else { return Ok(()) };
    let bound = Bound { judgement: None, ended: hex(row.get::<_, Option<Vec<u8>>>(18)?.as_deref()) };
    let (event, rowid) = (Event::left(&Columns::read(row)?, &bound, now), row.get(19)?);
    drop(found);
    let seq = ledger::append(connection, &event)?;
    archive(connection, rowid, seq)?;
    connection.execute("DELETE FROM latest WHERE rowid = ?1", [rowid])?;
    Ok(())
}

pub(super) fn latest(connection: &Connection) -> Result<Vec<Latest>, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT asset, check_id, state, cause, since, at FROM latest ORDER BY asset, check_id")?;
    let mut found = query.query([])?;
    let mut all: Vec<Latest> = Vec::new();
    while let Some(row) = found.next()? {
        let asset = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let check = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let state = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let cause = row.get_ref(3)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let asset = match all.last() {
            // rows of one asset share its name
            Some(last) if last.asset.as_str() == asset => last.asset.clone(),
            _ => rows::parsed(asset, "asset")?,
        };
        all.push(Latest {
            asset,
            check: rows::parsed(check, "check_id")?,
            verdict: rows::verdict(state, cause)?,
            since: rows::time(row.get(4)?, "since")?,
            at: rows::time(row.get(5)?, "at")?,
        });
    }
    Ok(all)
}

pub(super) fn stored(connection: &Connection, filter: &Filter, limit: usize) -> Result<Vec<Stored>, StoreError> {
    let (conditions, bound) = conditions(filter, "state");
    let sql = format!("SELECT {COLUMNS} FROM latest WHERE {conditions} ORDER BY asset, check_id LIMIT {}", cap(limit));
    collect(connection, &sql, &bound)
}

pub(super) fn judgements(connection: &Connection, pairs: &[(AssetId, CheckId)]) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM latest WHERE asset = ?1 AND check_id = ?2");
    let mut query = connection.prepare_cached(&sql)?;
    let mut all = Vec::with_capacity(pairs.len());
    for (asset, check) in pairs {
        let mut found = query.query([asset.as_str(), check.as_str()])?;
        while let Some(row) = found.next()? {
            all.push(rows::stored(row)?);
        }
    }
    Ok(all)
}

pub(super) fn evidence(
    connection: &Connection,
    asset: &AssetId,
    check: &CheckId,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM (\
           SELECT {COLUMNS}, 9223372036854775807 AS id FROM latest WHERE asset = ?1 AND check_id = ?2 \
           UNION ALL SELECT {COLUMNS}, id FROM evidence WHERE asset = ?1 AND check_id = ?2\
         ) ORDER BY id DESC LIMIT {}",
        cap(limit)
    );
    collect(connection, &sql, &[Box::new(asset.as_str().to_owned()), Box::new(check.as_str().to_owned())])
}

fn collect(connection: &Connection, sql: &str, bound: &[Box<dyn ToSql>]) -> Result<Vec<Stored>, StoreError> {
    let mut query = connection.prepare_cached(sql)?;
    let mut found = query.query(rusqlite::params_from_iter(bound))?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(rows::stored(row)?);
    }
    Ok(all)
}

/// The conditions of a filter and what to bind to them; the same for `latest` and `ledger`, but for the state.
pub(super) fn conditions(filter: &Filter, state_column: &str) -> (String, Vec<Box<dyn ToSql>>) {
    let mut texts = vec!["1".to_owned()];
    let mut bound: Vec<Box<dyn ToSql>> = Vec::new();
    let mut add = |condition: String, value: Option<Box<dyn ToSql>>| {
        if let Some(value) = value {
            bound.push(value);
            texts.push(format!("{condition} ?{}", bound.len()));
        }
    };
    let boxed = |text: String| Box::new(text) as Box<dyn ToSql>;
    add("asset =".into(), filter.asset.clone().map(|id| boxed(id.into())));
    add("check_id =".into(), filter.check.clone().map(|id| boxed(id.into())));
    add("zone =".into(), filter.zone.clone().map(|id| boxed(id.into())));
    add(format!("{state_column} ="), filter.state.clone().map(boxed));
    add("severity =".into(), filter.severity.map(|severity| boxed(severity.word().to_owned())));
    add("at >=".into(), filter.from.map(|time| Box::new(micros(time)) as Box<dyn ToSql>));
    add("at <".into(), filter.until.map(|time| Box::new(micros(time)) as Box<dyn ToSql>));
    (texts.join(" AND "), bound)
}

pub(super) fn cap(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
