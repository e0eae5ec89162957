//! Good states that were left in the period, and when they came back.

use std::collections::HashMap;

use serde::Serialize;

use super::read::{Pair, said};
use super::{Period, Record};
use crate::model::{AssetId, Cause, CheckId, Severity, Time, Verdict, ZoneId};
use crate::store::Change;

/// Longest reason, in characters.
const LONGEST: usize = 400;

/// One good state that was left.
#[derive(Debug, Clone, Serialize)]
pub struct Drift {
    /// When.
    pub at: Time,
    /// On which asset.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// By which check.
    pub check: CheckId,
    /// How urgent a fail is.
    pub severity: Severity,
    /// The state before.
    pub from: &'static str,
    /// The state after.
    pub to: &'static str,
    /// Why that is unknown.
    pub cause: Option<Cause>,
    /// What was found.
    pub reason: String,
    /// When it was good again; `None` when it was not by the end of the period.
    pub back_at: Option<Time>,
    /// Seconds until then, or until the end of the period.
    pub away_seconds: i64,
    /// Whether the pair left the plan before it was good again.
    pub left_plan: bool,
    /// The record of the ledger.
    pub record: Record,
}

/// Every drift of the period, newest first.
pub(super) fn drifts(changes: &[Change], period: Period) -> Vec<Drift> {
    let mut found: Vec<Drift> = Vec::new();
    let mut open: HashMap<Pair, usize> = HashMap::new();
    for change in changes.iter().filter(|change| change.at <= period.until) {
        let pair = (change.asset.clone(), change.check.clone());
        let is_good = change.to.and_then(Verdict::passes) == Some(true);
        if let Some(drift) = open.get(&pair).and_then(|at| found.get_mut(*at)) {
            match change.to {
                Some(_) if is_good => drift.end(change.at),
                // what does not concern the asset any more did not come back
                Some(_) => continue,
                None => (drift.left_plan, drift.away_seconds) = (true, (change.at - drift.at).num_seconds().max(0)),
            }
            open.remove(&pair);
        } else if change.at >= period.from && is_drift(change) {
            open.insert(pair, found.len());
            found.extend(Drift::new(change, period));
        }
    }
    found.reverse();
    found
}

/// As [`crate::model::Transition::is_drift`].
fn is_drift(change: &Change) -> bool {
    change.from.zip(change.to).is_some_and(|(from, to)| from.drifts_to(to))
}

impl Drift {
    fn new(change: &Change, period: Period) -> Option<Self> {
        let (from, to) = (change.from?, change.to?);
        Some(Self {
            at: change.at,
            asset: change.asset.clone(),
            zone: change.zone.clone(),
            check: change.check.clone(),
            severity: change.severity,
            from: from.word(),
            to: to.word(),
            cause: to.cause(),
            reason: said(&change.reason, LONGEST),
            back_at: None,
            away_seconds: (period.until - change.at).num_seconds().max(0),
            left_plan: false,
            record: Record { seq: change.seq, digest: change.digest.to_string() },
        })
    }

    fn end(&mut self, at: Time) {
        self.back_at = Some(at);
        self.away_seconds = (at - self.at).num_seconds().max(0);
    }
}
