//! What people did to baselines in the period, by the ledger.

use serde::Serialize;

use super::read::said;
use super::{Period, Record};
use crate::duties::baseline::Done;
use crate::model::{CheckId, Time};
use crate::store::ActRecord;

/// Longest text of a person, in characters.
const LONGEST: usize = 400;

/// One act.
#[derive(Debug, Clone, Serialize)]
pub struct BaselineRow {
    /// When.
    pub at: Time,
    /// `approved`, `reverted` or `announced`.
    pub act: &'static str,
    /// The asset.
    pub asset: String,
    /// The check whose value it is.
    pub check: CheckId,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when it holds.
    pub until: Option<Time>,
    /// Number or name of an announced change.
    pub ticket: Option<String>,
    /// Names of what was new against what was approved before, as far as the record has them.
    pub added: Vec<String>,
    /// Of what was gone.
    pub gone: Vec<String>,
    /// Of what was changed.
    pub changed: Vec<String>,
    /// The record of the ledger.
    pub record: Record,
}

/// Every act of the period, newest first.
pub(super) fn baselines(acts: &[ActRecord], period: Period) -> Vec<BaselineRow> {
    let is_within = |one: &&ActRecord| (period.from..=period.until).contains(&one.act.at);
    acts.iter().rev().filter(is_within).filter_map(row).collect()
}

fn row(one: &ActRecord) -> Option<BaselineRow> {
    let Done { word, check, until, ticket, differed } = Done::read(&one.act)?;
    let [added, gone, changed] = differed.map(|names| names.iter().map(|name| said(name, LONGEST)).collect::<Vec<_>>());
    Some(BaselineRow {
        at: one.act.at,
        act: word,
        asset: said(&one.act.subject, LONGEST),
        check,
        by: said(&one.act.actor, LONGEST),
        reason: said(one.act.reason.trim(), LONGEST),
        until,
        ticket: ticket.map(|ticket| said(&ticket, LONGEST)),
        added,
        gone,
        changed,
        record: Record { seq: one.seq, digest: one.digest.to_string() },
    })
}

impl BaselineRow {
    /// How it differed from what was approved before, in a few words.
    pub(super) fn difference(&self) -> String {
        let parts = [("new", &self.added), ("gone", &self.gone), ("changed", &self.changed)];
        let part = |(word, names): (&str, &Vec<String>)| match names.as_slice() {
            [] => None,
            [one] => Some(format!("{word}: {one}")),
            [first, rest @ ..] => Some(format!("{word}: {first} and {} more", rest.len())),
        };
        parts.into_iter().filter_map(part).collect::<Vec<_>>().join("; ")
    }
}
