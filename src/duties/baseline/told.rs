//! A baseline as commands and the API tell of it.

use serde_json::{Value, json};

use super::{Difference, Snapshot, kept};
use crate::store::Baseline;

/// What is there and how it differs from what was approved; nothing of either where a newer program wrote it.
#[must_use]
pub fn compared(one: &Baseline) -> (Option<Snapshot>, Option<Difference>) {
    let seen = kept(&one.value);
    let approved = one.approval.as_ref().and_then(|approval| kept(&approval.value));
    let difference = seen.as_ref().zip(approved.as_ref()).map(|(seen, approved)| Difference::between(seen, approved));
    (seen, difference)
}

/// One baseline with what differs, as JSON.
#[must_use]
pub fn told(one: &Baseline) -> Value {
    let (seen, difference) = compared(one);
    let approval = one.approval.as_ref().map(|approval| {
        json!({
            "record": approval.seq, "by": approval.actor, "reason": approval.reason, "at": approval.at,
            "until": approval.until, "sha256": approval.sha256,
        })
    });
    let plan = one.plan.as_ref().map(|plan| json!({ "ticket": plan.ticket, "by": plan.actor, "until": plan.until }));
    json!({
        "asset": one.asset, "check": one.check, "zone": one.zone, "state": one.standing, "sha256": one.sha256,
        "since": one.since, "count": seen.as_ref().map(|seen| seen.count), "approval": approval, "plan": plan,
        "parts": seen.map(|seen| seen.parts.into_keys().collect::<Vec<_>>()), "difference": difference,
    })
}
