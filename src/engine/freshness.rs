//! How long a judgement stands for the present.

use chrono::TimeDelta;

use super::{PlannedAsset, PlannedCheck};
use crate::catalog::{Derived, Question};
use crate::model::{Impact, Time};

/// A judgement is stale when it is older than so many intervals of its check.
pub(super) const STALE_INTERVALS: u32 = 2;
/// Clocks are corrected by less than this without anything being wrong.
const CORRECTION: TimeDelta = TimeDelta::minutes(5);

/// The oldest that a judgement of a check may be.
pub(super) fn stale_after(one: &PlannedCheck, now: Time) -> TimeDelta {
    TimeDelta::from_std(one.cadence.interval(now).saturating_mul(STALE_INTERVALS)).unwrap_or(TimeDelta::MAX)
}

/// Whether a moment that should have passed is still to come, because the clock was set back since.
pub(super) fn is_to_come(at: Time, now: Time) -> bool {
    at - now > CORRECTION
}

/// Whether a check asks nobody and reads what people signed or owe.
pub(super) fn rests_on_paper(planned: &PlannedAsset, one: &PlannedCheck) -> bool {
    let is_paper = |fact: &u16| {
        let question = &*planned.facts[usize::from(*fact)].question;
        matches!(question, Question::Derived(Derived::Duty(_) | Derived::Attestation(_)))
    };
    one.held.is_none() && one.check.impact == Impact::None && one.facts.iter().any(is_paper)
}
