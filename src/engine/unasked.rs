//! Results that no question stands behind: always unknown, with the reason why nobody asked.

use super::{CheckIndex, PlannedAsset};
use crate::model::{Cause, CheckResult, Evidence, Judgement, Params, Time, Value, Verdict};

/// What a visit leaves behind that ended in a defect of ours.
pub(super) fn panic_results(planned: &PlannedAsset, checks: &[CheckIndex], now: Time) -> Vec<CheckResult> {
    let reason = "the visit ended in a defect of nis2watch; the log has it";
    checks.iter().map(|check| bare_result(planned, *check, Cause::Internal, reason.to_owned(), now)).collect()
}

/// What a command says of an asset that only the running daemon may ask, and of which the store knows nothing yet.
#[must_use]
pub fn left_to_daemon(planned: &PlannedAsset, check: CheckIndex, now: Time) -> CheckResult {
    let reason = "only the running daemon asks this fragile asset, and it has not judged this yet";
    bare_result(planned, check, Cause::Gated, reason.to_owned(), now)
}

/// What a round that was told to stop says of an asset whose turn had not come.
#[must_use]
pub fn cut_short(planned: &PlannedAsset, check: CheckIndex, now: Time) -> CheckResult {
    let reason = "the round was told to stop before this asset had answered; ask again";
    bare_result(planned, check, Cause::Stale, reason.to_owned(), now)
}

/// An unknown that no question stands behind.
pub(super) fn bare_result(
    planned: &PlannedAsset,
    check: CheckIndex,
    cause: Cause,
    reason: String,
    now: Time,
) -> CheckResult {
    let one = &planned.checks[usize::from(check)];
    let judgement = Judgement {
        verdict: Verdict::Unknown(cause),
        reason,
        observed: Value::Null,
        expected: Value::Null,
        params: Params::clone(&one.params),
    };
    CheckResult {
        asset: planned.member.asset.id.clone(),
        zone: planned.member.asset.zone.clone(),
        check: one.check.id.clone(),
        check_version: one.check.version,
        severity: one.check.severity,
        controls: one.check.controls.clone(),
        judgement,
        evidence: Evidence::default(),
        at: now,
        duration_ms: 0,
    }
}
