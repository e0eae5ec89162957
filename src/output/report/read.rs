//! What the store has for a report: read asset by asset, so that what explains verdicts never lies in memory as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Period;
use crate::engine::Plan;
use crate::model::{Advice, AssetId, CheckId, Listed, Severity, Time, Transport, Verdict, ZoneId};
use crate::output::round;
use crate::store::{ActRecord, Change, Filter, Head, Store, StoreError, Stored, Visit};

/// Longest reason, in characters; the store has it longer.
const LONGEST_REASON: usize = 600;
/// Answers that a verdict names as its evidence.
const MOST_ANSWERS: usize = 12;
/// Judgements of a pair that are looked through for the one that stood at the end of a past period.
const MOST_HISTORY: usize = 1_000;
/// Checks of one asset; beyond it something is wrong with the store.
const MOST_CHECKS: usize = 10_000;

/// A pair.
pub(super) type Pair = (AssetId, CheckId);

/// Everything that the store says about a period.
#[derive(Debug, Default)]
pub struct Kept {
    /// How pairs stood at the end of the period.
    pub(super) known: BTreeMap<Pair, Known>,
    /// What changed, in the order of the chain.
    pub(super) changes: Vec<Change>,
    /// What people did, oldest first.
    pub(super) acts: Vec<ActRecord>,
    /// The last contact with each asset.
    pub(super) visits: BTreeMap<AssetId, Visit>,
    /// Where the chain ended when reading began.
    pub(super) head: Option<Head>,
}

/// One judgement, as far as a report tells of it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) zone: ZoneId,
    pub(super) verdict: Verdict,
    pub(super) severity: Severity,
    pub(super) reason: String,
    pub(super) advice: Option<Advice>,
    /// Ids of the waivers that mean it, and whether they are suspended.
    pub(super) waiver: Option<(String, bool)>,
    pub(super) since: Time,
    pub(super) at: Time,
    pub(super) evidence: Evidence,
    pub(super) listed: Option<Listed>,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// When it was first judged so, with the same observation.
    pub first_at: Option<Time>,
    /// How many equal judgements in a row.
    pub times: u64,
    /// Where the questions came from.
    pub vantage: String,
    /// What was answered.
    pub answers: Vec<Answer>,
}

/// One answer, by digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Answer {
    /// The fact that was asked for.
    pub fact: String,
    /// How it was asked.
    pub transport: Transport,
    /// SHA-256 of the raw answer, hexadecimal; empty when none came.
    pub sha256: String,
}

impl Kept {
    /// Reads it; writes nothing.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn read(store: &dyn Store, plan: &Plan, period: Period) -> Result<Self, StoreError> {
        let head = store.head().await?;
        let planned = plan.assets.iter().map(|planned| planned.member.asset.id.clone());
        let assets: BTreeSet<AssetId> =
            planned.chain(store.latest().await?.into_iter().map(|latest| latest.asset)).collect();
        let mut kept = Self { head, ..Self::default() };
        let mut later: BTreeSet<Pair> = BTreeSet::new();
        for asset in assets {
            let filter = Filter { asset: Some(asset), ..Filter::default() };
            for stored in store.results(filter, MOST_CHECKS).await? {
                let pair = (stored.result.asset.clone(), stored.result.check.clone());
                if stored.first_at > period.until {
                    later.insert(pair);
                } else {
                    kept.known.insert(pair, Known::new(stored, plan));
                }
            }
        }
        kept.changes = store.changes(period.from).await?;
        later.extend(kept.gone(period));
        for (asset, check) in later {
            let history = store.evidence(&asset, &check, MOST_HISTORY).await?;
            if let Some(stored) = history.into_iter().find(|stored| stored.first_at <= period.until) {
                kept.known.insert((asset, check), Known::new(stored, plan));
            }
        }
        kept.acts = store.acts(0).await?;
        let visits = store.last_visits().await?;
        kept.visits = visits.into_iter().map(|visit| (visit.asset.clone(), visit)).collect();
        Ok(kept)
    }

    /// Pairs that were in the plan at the end of the period and are no longer.
    fn gone(&self, period: Period) -> Vec<Pair> {
        let mut last: BTreeMap<Pair, bool> = BTreeMap::new();
        for change in self.changes.iter().filter(|change| change.at <= period.until) {
            last.insert((change.asset.clone(), change.check.clone()), change.to.is_some());
        }
        last.into_iter()
            .filter(|(pair, there)| *there && !self.known.contains_key(pair))
            .map(|(pair, _)| pair)
            .collect()
    }
}

impl Known {
    fn new(stored: Stored, plan: &Plan) -> Self {
        let Stored { result, since, first_at, times } = stored;
        let advice = match plan.find(result.asset.as_str()) {
            Some(at) => plan.asset(at).advice(&result),
            None => result.judgement.verdict.cause().map(|cause| cause.advice(None)),
        };
        let answers: BTreeSet<Answer> = result
            .evidence
            .items
            .into_iter()
            .map(|item| Answer { fact: item.fact.to_string(), transport: item.transport, sha256: item.answer_sha256 })
            .collect();
        Self {
            zone: result.zone,
            verdict: result.judgement.verdict,
            severity: result.severity,
            reason: said(&result.judgement.reason, LONGEST_REASON),
            advice,
            waiver: result
                .evidence
                .finding
                .filter(|finding| !finding.partly)
                .map(|finding| (finding.waiver, finding.suspended)),
            since,
            at: result.at,
            listed: result.evidence.listed,
            evidence: Evidence {
                first_at: Some(first_at),
                times,
                vantage: said(&result.evidence.vantage, LONGEST_REASON),
                answers: answers.into_iter().take(MOST_ANSWERS).collect(),
            },
        }
    }
}

/// What may be a device's or a person's own words: one line, bounded, without signs that steer the text around them.
pub(super) fn said(text: &str, longest: usize) -> String {
    let steers =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    round::line(text, longest).chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cannot_turn_the_text_around_it() {
        assert_eq!(said("pass\u{202e}\nliaf\u{0}", 100), "pass\u{fffd} liaf ");
        assert_eq!(said(&"é".repeat(50), 10), format!("{}…", "é".repeat(10)));
    }
}
