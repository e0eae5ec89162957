//! Baselines: one row for what is there, one for each approval, one for an announced change.
//!
//! An approval is never changed but for standing or not; who approved what is in the chain, and the digest there is that of the
//! row here.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::ledger;
use super::rows::{self, micros};
use crate::model::{AssetId, CheckId, Time};
use crate::store::{
    Approved, Baseline, BaselineAct, BaselineChange, BaselineFilter, BaselineSummary, Head, Planned, Sighting,
    StoreError,
};

/// Number of the approval of a pair that stands.
const STANDING: &str = "SELECT seq FROM approvals WHERE asset = ?1 AND check_id = ?2 AND stands = 1";

/// Takes what a visit saw. A pair whose approval changed while it was compared stays marked, to be looked at again.
pub(super) fn seen(connection: &Connection, sighting: &Sighting) -> Result<(), StoreError> {
    let (asset, check) = (sighting.asset.as_str(), sighting.check.as_str());
    let approval: Option<i64> =
        connection.prepare_cached(STANDING)?.query_row([asset, check], |row| row.get(0)).optional()?;
    let touched = approval.map(i64::unsigned_abs) != sighting.against;
    connection
        .prepare_cached(
            "INSERT INTO baselines (asset, check_id, zone, standing, touched, value, sha256, since) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (asset, check_id) DO UPDATE SET \
             zone = ?3, standing = ?4, touched = ?5, value = ?6, sha256 = ?7, since = iif(sha256 = ?7, since, ?8) \
             WHERE zone <> ?3 OR standing <> ?4 OR touched <> ?5 OR value <> ?6",
        )?
        .execute(params![
            asset,
            check,
            sighting.zone.as_str(),
            sighting.standing,
            touched,
            sighting.value,
            sighting.sha256,
            micros(sighting.at)
        ])?;
    Ok(())
}

/// Writes what a person did into the chain, and does it.
pub(super) fn act(connection: &Connection, deed: &BaselineAct) -> Result<Head, StoreError> {
    let head = ledger::act(connection, &deed.act)?;
    let seq = i64::try_from(head.seq).unwrap_or(i64::MAX);
    let pair = [deed.act.subject.as_str(), deed.check.as_str()];
    match &deed.change {
        BaselineChange::Approve { sha256, until } => approve(connection, deed, seq, sha256, *until)?,
        BaselineChange::Revert => revert(connection, deed, seq)?,
        BaselineChange::Plan { ticket, until } => {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO change_plans (asset, check_id, seq, ticket, actor, until) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![pair[0], pair[1], seq, ticket, deed.act.actor, micros(*until)])?;
            touch(connection, pair)?;
        }
    }
    Ok(head)
}

fn approve(connection: &Connection, deed: &BaselineAct, seq: i64, sha256: &str, until: Time) -> Result<(), StoreError> {
    let pair = [deed.act.subject.as_str(), deed.check.as_str()];
    let before: Option<i64> = connection.prepare_cached(STANDING)?.query_row(pair, |row| row.get(0)).optional()?;
    connection
        .prepare_cached("UPDATE approvals SET stands = 0 WHERE asset = ?1 AND check_id = ?2 AND stands = 1")?
        .execute(pair)?;
    let approved = connection
        .prepare_cached(
            "INSERT INTO approvals (seq, asset, check_id, value, sha256, actor, reason, at, until, before, stands) \
             SELECT ?3, asset, check_id, value, sha256, ?4, ?5, ?6, ?7, ?8, 1 FROM baselines \
             WHERE asset = ?1 AND check_id = ?2 AND sha256 = ?9",
        )?
        .execute(params![
            pair[0],
            pair[1],
            seq,
            deed.act.actor,
            deed.act.reason,
            micros(deed.act.at),
            micros(until),
            before,
            sha256
        ])?;
    if approved == 0 {
        return Err(moved(deed));
    }
    // the announced change has come
    connection.prepare_cached("DELETE FROM change_plans WHERE asset = ?1 AND check_id = ?2")?.execute(pair)?;
    connection
        .prepare_cached("UPDATE baselines SET standing = 'approved', touched = 1 WHERE asset = ?1 AND check_id = ?2")?
        .execute(pair)?;
    Ok(())
}

fn revert(connection: &Connection, deed: &BaselineAct, seq: i64) -> Result<(), StoreError> {
    let pair = [deed.act.subject.as_str(), deed.check.as_str()];
    let last: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT seq, before FROM approvals WHERE asset = ?1 AND check_id = ?2 AND stands = 1")?
        .query_row(pair, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((last, before)) = last else { return Err(moved(deed)) };
    connection.prepare_cached("UPDATE approvals SET stands = 0, reverted = ?2 WHERE seq = ?1")?.execute([last, seq])?;
    connection.prepare_cached("UPDATE approvals SET stands = 1 WHERE seq = ?1")?.execute([before])?;
    connection
        .prepare_cached(
            "UPDATE baselines SET touched = 1, standing = CASE (SELECT sha256 FROM approvals WHERE seq = ?3) \
             WHEN sha256 THEN 'approved' ELSE iif(?3 IS NULL, 'proposed', 'differs') END \
             WHERE asset = ?1 AND check_id = ?2",
        )?
        .execute(params![pair[0], pair[1], before])?;
    Ok(())
}

fn touch(connection: &Connection, pair: [&str; 2]) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE baselines SET touched = 1 WHERE asset = ?1 AND check_id = ?2")?.execute(pair)?;
    Ok(())
}

fn moved(deed: &BaselineAct) -> StoreError {
    StoreError::Moved { asset: deed.act.subject.clone(), check: deed.check.to_string() }
}

/// Baselines of pairs that are seen, ordered by asset and check.
pub(super) fn all(connection: &Connection, filter: &BaselineFilter) -> Result<Vec<Baseline>, StoreError> {
    let due = match filter.due {
        Some(_) => {
            "AND (standing IN ('differs', 'planned') OR touched = 1 OR (standing = 'approved' AND a.until <= ?3))"
        }
        None => "AND ?3 IS NULL",
    };
    let mut query = connection.prepare_cached(&format!(
        "SELECT asset, check_id, zone, b.value, b.sha256, since, standing, \
         a.seq, a.value, a.sha256, a.actor, a.reason, a.at, a.until, p.ticket, p.actor, p.ends \
         FROM baselines b LEFT JOIN (SELECT * FROM approvals WHERE stands = 1) a USING (asset, check_id) \
         LEFT JOIN (SELECT asset, check_id, ticket, actor, until AS ends FROM change_plans) p USING (asset, check_id) \
         WHERE (?1 IS NULL OR asset = ?1) AND (?2 IS NULL OR check_id = ?2) {due} ORDER BY asset, check_id"
    ))?;
    let (asset, check) = (filter.asset.as_ref().map(AssetId::as_str), filter.check.as_ref().map(CheckId::as_str));
    let mut found = query.query(params![asset, check, filter.due.map(micros)])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(baseline(row)?);
    }
    Ok(all)
}

fn baseline(row: &Row<'_>) -> Result<Baseline, StoreError> {
    let text = |at: usize| row.get::<_, String>(at);
    let approval = row.get::<_, Option<i64>>(7)?.map(|seq| {
        Ok::<_, StoreError>(Approved {
            seq: seq.unsigned_abs(),
            value: text(8)?,
            sha256: text(9)?,
            actor: text(10)?,
            reason: text(11)?,
            at: rows::time(row.get(12)?, "at")?,
            until: row.get::<_, Option<i64>>(13)?.map(|until| rows::time(until, "until")).transpose()?,
        })
    });
    let plan = row.get::<_, Option<String>>(14)?.map(|ticket| {
        Ok::<_, StoreError>(Planned { ticket, actor: text(15)?, until: rows::time(row.get(16)?, "until")? })
    });
    Ok(Baseline {
        asset: rows::parsed(&text(0)?, "asset")?,
        check: rows::parsed(&text(1)?, "check_id")?,
        zone: rows::parsed(&text(2)?, "zone")?,
        value: text(3)?,
        sha256: text(4)?,
        since: rows::time(row.get(5)?, "since")?,
        standing: text(6)?,
        approval: approval.transpose()?,
        plan: plan.transpose()?,
    })
}

/// How many stand how, and when approvals end.
pub(super) fn summary(connection: &Connection) -> Result<BaselineSummary, StoreError> {
    let mut summary = BaselineSummary::default();
    let mut query =
        connection.prepare_cached("SELECT zone, standing, count(*) FROM baselines GROUP BY zone, standing")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let zone = rows::parsed(&row.get::<_, String>(0)?, "zone")?;
        summary.counts.push((zone, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()));
    }
    let mut query = connection.prepare_cached(
        "SELECT asset, check_id, until FROM approvals WHERE stands = 1 AND until IS NOT NULL \
         AND EXISTS (SELECT 1 FROM baselines b WHERE b.asset = approvals.asset AND b.check_id = approvals.check_id) \
         ORDER BY asset, check_id",
    )?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let asset = rows::parsed(&row.get::<_, String>(0)?, "asset")?;
        let check = rows::parsed(&row.get::<_, String>(1)?, "check_id")?;
        summary.ends.push((asset, check, rows::time(row.get(2)?, "until")?));
    }
    Ok(summary)
}

/// What is no longer looked at is no longer there; its approvals stay, for the day on which it returns.
pub(super) fn forget(connection: &Connection, asset: &AssetId, check: &CheckId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM baselines WHERE asset = ?1 AND check_id = ?2")?
        .execute([asset.as_str(), check.as_str()])?;
    Ok(())
}
