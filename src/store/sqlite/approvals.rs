//! Holds approved baselines and announced changes against the acts in the chain.
//!
//! The tables are what the acts, done one after the other, leave behind; so the acts are done again here, and compared.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::Value;

use super::ledger::Event;
use super::rows::micros;
use crate::model::Time;
use crate::store::{Digest, StoreError};

type Pair = (String, String);

/// An approval, as a row and as the acts say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Approval {
    pair: Pair,
    actor: String,
    reason: String,
    at: i64,
    until: Option<i64>,
    before: Option<i64>,
    stands: bool,
    reverted: Option<i64>,
    sha256: String,
    snapshot: String,
}

/// An announced change: number of the act, ticket, who, until when.
type Plan = (i64, String, String, i64);

/// What the acts say.
#[derive(Debug, Default)]
pub(super) struct Book {
    approvals: BTreeMap<i64, Approval>,
    plans: BTreeMap<Pair, Plan>,
    standing: BTreeMap<Pair, i64>,
}

impl Book {
    /// Does an act again.
    pub(super) fn take(&mut self, seq: i64, event: &Event) {
        let [actor, body] = &event.act;
        let Some(kind) = event.check.strip_prefix("baseline.") else { return };
        let body: Value = body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let until = |key: &str| serde_json::from_value::<Time>(body[key].clone()).ok().map(micros);
        let pair = (event.asset.clone(), text("check"));
        let actor = actor.clone().unwrap_or_default();
        match kind {
            "approve" => self.approve(
                seq,
                Approval {
                    pair,
                    actor,
                    reason: event.reason.clone(),
                    at: event.at,
                    until: until("valid_until"),
                    before: None,
                    stands: true,
                    reverted: None,
                    sha256: text("sha256"),
                    snapshot: text("snapshot"),
                },
            ),
            "revert" => self.revert(seq, pair),
            "plan" => {
                self.plans.insert(pair, (seq, text("ticket"), actor, until("until").unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn approve(&mut self, seq: i64, approval: Approval) {
        let before = self.standing.insert(approval.pair.clone(), seq);
        if let Some(before) = before.and_then(|before| self.approvals.get_mut(&before)) {
            before.stands = false;
        }
        self.plans.remove(&approval.pair);
        self.approvals.insert(seq, Approval { before, ..approval });
    }

    fn revert(&mut self, seq: i64, pair: Pair) {
        let Some(last) = self.standing.remove(&pair).and_then(|last| self.approvals.get_mut(&last)) else { return };
        (last.stands, last.reverted) = (false, Some(seq));
        let Some(before) = last.before else { return };
        if let Some(approval) = self.approvals.get_mut(&before) {
            approval.stands = true;
            self.standing.insert(pair, before);
        }
    }

    /// What is in the tables and not in the chain, or the other way round, with the number of the act.
    pub(super) fn differing(&self, connection: &Connection) -> Result<BTreeSet<(i64, String)>, StoreError> {
        let (approvals, plans) = (approvals(connection)?, plans(connection)?);
        let mut wrong = BTreeSet::new();
        for (seq, Approval { pair: (asset, check), .. }) in self.approvals.iter().chain(&approvals) {
            if self.approvals.get(seq) != approvals.get(seq) {
                wrong
                    .insert((*seq, format!("the approved baseline of {check} on {asset} is not the one in the chain")));
            }
        }
        for (pair, (seq, ..)) in self.plans.iter().chain(&plans) {
            if self.plans.get(pair) != plans.get(pair) {
                let (asset, check) = pair;
                wrong.insert((*seq, format!("the announced change of {check} on {asset} is not the one in the chain")));
            }
        }
        Ok(wrong)
    }
}

fn approvals(connection: &Connection) -> Result<BTreeMap<i64, Approval>, StoreError> {
    let mut query = connection.prepare(
        "SELECT seq, asset, check_id, actor, reason, at, until, before, stands, reverted, sha256, value FROM approvals",
    )?;
    let mut found = query.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = found.next()? {
        let approval = Approval {
            pair: (row.get(1)?, row.get(2)?),
            actor: row.get(3)?,
            reason: row.get(4)?,
            at: row.get(5)?,
            until: row.get(6)?,
            before: row.get(7)?,
            stands: row.get(8)?,
            reverted: row.get(9)?,
            sha256: row.get(10)?,
            snapshot: Digest::of(row.get::<_, String>(11)?.as_bytes()).to_string(),
        };
        all.insert(row.get(0)?, approval);
    }
    Ok(all)
}

fn plans(connection: &Connection) -> Result<BTreeMap<Pair, Plan>, StoreError> {
    let mut query = connection.prepare("SELECT asset, check_id, seq, ticket, actor, until FROM change_plans")?;
    let mut found = query.query([])?;
    let mut all = BTreeMap::new();
    while let Some(row) = found.next()? {
        all.insert((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?));
    }
    Ok(all)
}
