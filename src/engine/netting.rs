//! From findings to what is shown: waivers laid over fails, and taken off again when they end or are suspended.
//!
//! Judging knows nothing of waivers. Here the fails of a round meet the book, with the verdicts of the pairs that are to make
//! up for them.

use std::collections::HashMap;
use std::sync::Arc;

use super::freshness::{is_to_come, rests_on_paper, stale_after};
use super::{Plan, Visit};
use crate::duties::{Book, Net};
use crate::model::{AssetId, CheckId, CheckResult, Time, Verdict};
use crate::store::Latest;

/// How pairs stand, and what is waived.
pub struct Netting {
    plan: Arc<Plan>,
    book: Arc<Book>,
    known: HashMap<(AssetId, CheckId), Verdict>,
}

impl Netting {
    /// Nothing is known yet of any pair.
    #[must_use]
    pub fn new(plan: Arc<Plan>, book: Arc<Book>) -> Self {
        Self { plan, book, known: HashMap::new() }
    }

    /// Whether there is no waiver, so that every finding stands.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.book.waivers().is_empty()
    }

    /// Takes how pairs stood before, as far as that says how they stand now.
    pub fn remember(&mut self, latest: Vec<Latest>, now: Time) {
        let current = latest.into_iter().filter(|one| is_current(&self.plan, &self.book, one, now));
        self.known.extend(current.map(|one| ((one.asset, one.check), one.verdict)));
    }

    /// Takes new findings.
    pub fn note(&mut self, findings: &[CheckResult]) {
        if !self.is_idle() {
            let pair = |result: &CheckResult| ((result.asset.clone(), result.check.clone()), result.judgement.verdict);
            self.known.extend(findings.iter().map(pair));
        }
    }

    /// Whether a visit found a fail that some waiver means.
    #[must_use]
    pub fn concerns(&self, visit: &Visit) -> bool {
        let means = |result: &CheckResult| {
            result.judgement.verdict == Verdict::Fail
                && self
                    .plan
                    .find(result.asset.as_str())
                    .is_some_and(|at| self.book.waivers().mean(&self.plan.asset(at).member.asset, &result.check))
        };
        !self.is_idle() && visit.results.iter().any(means)
    }

    /// Shows the fails of a visit as what waivers make of them.
    pub fn net(&self, visit: &mut Visit, now: Time) {
        for result in &mut visit.results {
            let known = |asset: &AssetId, check: &CheckId| self.known.get(&(asset.clone(), check.clone())).copied();
            if let Some(shown) = netted(&self.plan, &self.book, result, &known, now) {
                *result = shown;
            }
        }
    }
}

/// Whether a judgement still holds: neither too old nor of a time to come, and nothing that it rests on has ended since.
fn is_current(plan: &Plan, book: &Book, one: &Latest, now: Time) -> bool {
    let Some(planned) = plan.find(one.asset.as_str()).map(|at| plan.asset(at)) else { return false };
    let Some(check) = planned.check(one.check.as_str()) else { return false };
    let check = &planned.checks[usize::from(check)];
    now - one.at <= stale_after(check, now)
        && !is_to_come(one.at, now)
        && !(rests_on_paper(planned, check) && book.next_turn(one.at).is_some_and(|turn| turn <= now))
}

/// What a finding is shown as, where a waiver means it; other results are what they are.
pub(super) fn netted(
    plan: &Plan,
    book: &Book,
    finding: &CheckResult,
    verdict_of: &dyn Fn(&AssetId, &CheckId) -> Option<Verdict>,
    now: Time,
) -> Option<CheckResult> {
    if finding.judgement.verdict != Verdict::Fail || book.waivers().is_empty() {
        return None;
    }
    let asset = &plan.asset(plan.find(finding.asset.as_str())?).member.asset;
    let net = book.waivers().judge(asset, &finding.check, &finding.judgement.observed, verdict_of, now);
    (net != Net::Stands).then(|| net.apply(finding))
}

/// What a stored result should be shown as now, where that is something else.
pub(super) fn renetted(
    plan: &Plan,
    book: &Book,
    stored: &CheckResult,
    verdict_of: &dyn Fn(&AssetId, &CheckId) -> Option<Verdict>,
    now: Time,
) -> Option<CheckResult> {
    let finding = Net::undo(stored);
    let shown = netted(plan, book, &finding, verdict_of, now).unwrap_or(finding);
    let (before, after) = (&stored.judgement, &shown.judgement);
    let differs = before.verdict != after.verdict || before.reason != after.reason;
    differs.then_some(CheckResult { at: now, ..shown })
}
