//! Takes what an older store kept beside its chain under the chain.
//!
//! From then on a change of it shows. What somebody changed before cannot be known; nor are entries of the history taken
//! over, they age out.

use rusqlite::Connection;

use super::ledger::{self, Event};
use super::rows::{self, COLUMNS};
use super::seal::{self, Bound, Columns};
use crate::store::StoreError;

/// Who did what the store did itself.
const STORE: &str = "store";

pub(super) fn adopt(connection: &Connection) -> Result<(), StoreError> {
    let newest = "SELECT max(at) FROM (SELECT max(at) AS at FROM latest UNION ALL SELECT max(at) FROM ledger \
        UNION ALL SELECT max(learnt_at) FROM host_keys UNION ALL SELECT max(last_at) FROM first_seen)";
    let Some(at) = connection.query_row(newest, [], |row| row.get::<_, Option<i64>>(0))? else { return Ok(()) };
    let last: Option<i64> = connection.query_row("SELECT max(id) FROM evidence", [], |row| row.get(0))?;
    let body = serde_json::json!({ "evidence_up_to": last.unwrap_or(0) });
    ledger::append(connection, &Event::whole(ledger::ADOPTED, &body, at))?;
    judgements(connection, at)?;
    host_keys(connection)?;
    first_seen(connection, at)?;
    flags(connection, at)
}

fn judgements(connection: &Connection, at: i64) -> Result<(), StoreError> {
    let mut query = connection.prepare(&format!("SELECT {COLUMNS}, rowid FROM latest ORDER BY asset, check_id"))?;
    let mut sealed = connection.prepare("UPDATE latest SET digest = ?2 WHERE rowid = ?1")?;
    let mut digests = Vec::new();
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let columns = Columns { at, ..Columns::read(row)? };
        let judgement = columns.judgement();
        let bound = Bound { judgement: Some(judgement.to_string()), ended: None };
        let verdict = rows::verdict(columns.state, columns.cause)?;
        ledger::append(connection, &Event::judgement(&columns, verdict, &bound))?;
        digests.push((row.get::<_, i64>(18)?, Columns::read(row)?.entry(judgement)));
    }
    // not while they are being read
    drop(found);
    for (rowid, digest) in digests {
        sealed.execute(rusqlite::params![rowid, digest.0])?;
    }
    Ok(())
}

fn host_keys(connection: &Connection) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT asset, endpoint, fingerprint, learnt_at FROM host_keys")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let text = |at: usize| row.get::<_, String>(at);
        ledger::append(connection, &Event::key_learnt(&text(0)?, &text(1)?, &text(2)?, row.get(3)?))?;
    }
    Ok(())
}

fn first_seen(connection: &Connection, at: i64) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT DISTINCT asset, fact FROM first_seen")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let (asset, fact): (String, String) = (row.get(0)?, row.get(1)?);
        let set = seal::first_seen(connection, &asset, &fact)?;
        ledger::append(connection, &Event::first_seen(&asset, &fact, set, at))?;
    }
    Ok(())
}

fn flags(connection: &Connection, at: i64) -> Result<(), StoreError> {
    let mut query = connection.prepare("SELECT name, value FROM settings WHERE name LIKE 'flag.%'")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let event = Event::flag(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?, STORE, at);
        ledger::append(connection, &event)?;
    }
    Ok(())
}
