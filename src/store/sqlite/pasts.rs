//! How pairs came to stand as they do: read once at the start, for all that is not well.

use rusqlite::{Connection, Statement, params};

use super::ledger::{TRANSITION, state};
use super::results::cap;
use super::rows;
use crate::model::{AssetId, CheckId};
use crate::store::{Past, StoreError, Turn};

/// The pasts of some pairs that fail or are unknown, from behind a pair on. Each is read from its newest change back along
/// the index of its pair, so that what lies before costs nothing.
pub(super) fn pasts(
    connection: &Connection,
    after: Option<&(AssetId, CheckId)>,
    pairs: usize,
) -> Result<Vec<Past>, StoreError> {
    let (asset, check) = after.map_or(("", ""), |(asset, check)| (asset.as_str(), check.as_str()));
    // the index of all pairs gives them in order; that of open states would have to be sorted for each page
    let mut open = connection.prepare_cached(
        "SELECT asset, check_id FROM latest WHERE (asset, check_id) > (?1, ?2) AND +state IN ('fail', 'unknown') \
         ORDER BY asset, check_id LIMIT ?3",
    )?;
    let mut turns = connection.prepare_cached(&format!(
        "SELECT from_state, from_cause, to_state, to_cause, at FROM ledger \
         WHERE asset = ?1 AND check_id = ?2 AND kind = '{TRANSITION}' ORDER BY seq DESC"
    ))?;
    let mut found = open.query(params![asset, check, cap(pairs)])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let (asset, check): (String, String) = (row.get(0)?, row.get(1)?);
        all.push(Past {
            turns: back(&mut turns, &asset, &check)?,
            asset: rows::parsed(&asset, "asset")?,
            check: rows::parsed(&check, "check_id")?,
        });
    }
    Ok(all)
}

/// The changes of a pair since it was last neither failing nor unknown, with the one that brought it there.
fn back(turns: &mut Statement<'_>, asset: &str, check: &str) -> Result<Vec<Turn>, StoreError> {
    let mut found = turns.query([asset, check])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        let turn = Turn {
            from: state(&[row.get(0)?, row.get(1)?])?,
            to: state(&[row.get(2)?, row.get(3)?])?.ok_or_else(|| rows::unreadable("to_state", "nothing"))?,
            at: rows::time(row.get(4)?, "at")?,
        };
        all.push(turn);
        if turn.from.is_none() || turn.to.is_conclusive() {
            break;
        }
    }
    all.reverse();
    Ok(all)
}
