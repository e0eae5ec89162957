//! From a judgement to what is shown of it beside a baseline.
//!
//! After a visit the values that checks compare (`drift:`) are held against what was approved; between visits the same is done
//! again for pairs about which a person acted, or time did. What is not known is not compared, and stays unknown.

use std::collections::HashMap;

use super::{AssetIndex, CheckIndex, FactIndex, Plan, PlannedAsset, PlannedCheck};
use crate::catalog::Drift;
use crate::duties::Net;
use crate::duties::baseline::{Circumstances, Snapshot, Standing, kept, standing, undo};
use crate::model::{Cause, CheckId, CheckResult, Judgement, Reading, Time, Value, Verdict, Window};
use crate::rule::split_fact;
use crate::store::{Baseline, BaselineFilter, Filter, Sighting, Store, StoreError};

/// Compares what a visit read, lays what comes of it over the results, and returns what is to be kept.
pub(super) async fn compare<'r>(
    store: &dyn Store,
    planned: &PlannedAsset,
    checks: &[CheckIndex],
    reading: &(dyn Fn(FactIndex) -> Option<&'r Reading> + Sync),
    results: &mut [CheckResult],
    now: Time,
) -> Vec<Sighting> {
    let seen: HashMap<CheckId, (Compared<'_>, Snapshot)> = checks
        .iter()
        .map(|at| &planned.checks[usize::from(*at)])
        .filter_map(|one| Some((one.check.id.clone(), snapshot(planned, one, reading)?)))
        .collect();
    if seen.is_empty() {
        return Vec::new();
    }
    let asset = planned.member.asset.id.clone();
    let known = match store.baselines(BaselineFilter { asset: Some(asset), ..BaselineFilter::default() }).await {
        Ok(known) => known,
        // a round without a store that lasts says so itself, and compares nothing
        Err(StoreError::Fleeting) => {
            let is_required = |check: &CheckId| seen.get(check).is_some_and(|(one, _)| one.required);
            results.iter_mut().filter(|result| is_required(&result.check)).for_each(unapproved);
            return Vec::new();
        }
        Err(error) => {
            results.iter_mut().filter(|result| seen.contains_key(&result.check)).for_each(|one| blind(one, &error));
            return Vec::new();
        }
    };
    let mut sightings = Vec::new();
    // what the evidence does not suffice for is neither proposed nor held against anything
    let is_judged = |verdict: Verdict| matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail);
    for result in results.iter_mut().filter(|result| is_judged(result.judgement.verdict)) {
        let Some((one, snapshot)) = seen.get(&result.check) else { continue };
        let kept = known.iter().find(|one| one.check == result.check);
        let standing = stands(*one, snapshot, kept, &planned.member.windows, now);
        *result = standing.over(result);
        sightings.push(sighting(result, snapshot, kept, &standing, now));
    }
    sightings
}

/// A pair that is to be shown as its baseline stands now.
pub(super) struct Again {
    pub(super) asset: AssetIndex,
    pub(super) check: CheckIndex,
    /// As it is stored.
    pub(super) stored: CheckResult,
    /// As it stands now, without waivers.
    pub(super) result: CheckResult,
    pub(super) sighting: Sighting,
}

/// Looks again at pairs about which a person or time has acted since they were compared.
pub(super) async fn again(
    store: &dyn Store,
    plan: &Plan,
    is_busy: &(dyn Fn(AssetIndex) -> bool + Sync),
    now: Time,
) -> Result<Vec<Again>, StoreError> {
    let due = match store.baselines(BaselineFilter { due: Some(now), ..BaselineFilter::default() }).await {
        Err(StoreError::Fleeting) => return Ok(Vec::new()),
        due => due?,
    };
    let mut all = Vec::new();
    for baseline in due {
        let Some(asset) = plan.find(baseline.asset.as_str()).filter(|asset| !is_busy(*asset)) else { continue };
        let planned = plan.asset(asset);
        let Some(check) = planned.check(baseline.check.as_str()) else { continue };
        let Some(one) = Compared::of(&planned.checks[usize::from(check)]) else { continue };
        let filter =
            Filter { asset: Some(baseline.asset.clone()), check: Some(baseline.check.clone()), ..Filter::default() };
        let Some(stored) = store.results(filter, 1).await?.pop().map(|stored| stored.result) else { continue };
        let Some(snapshot) = kept(&baseline.value) else { continue };
        let standing = stands(one, &snapshot, Some(&baseline), &planned.member.windows, now);
        let result = standing.over(&undo(&Net::undo(&stored)));
        // what is there was not seen anew
        let sighting = Sighting { at: baseline.since, ..sighting(&stored, &snapshot, Some(&baseline), &standing, now) };
        all.push(Again { asset, check, stored, result, sighting });
    }
    Ok(all)
}

/// How a check of one asset compares.
#[derive(Clone, Copy)]
struct Compared<'c> {
    drift: &'c Drift,
    /// Whether nothing is proven before an approval.
    required: bool,
}

impl<'c> Compared<'c> {
    fn of(one: &'c PlannedCheck) -> Option<Self> {
        let drift = one.check.drift.as_ref()?;
        Some(Self { drift, required: drift.is_required(&one.params) })
    }
}

/// What a check compares of what was read; none where that is not known.
fn snapshot<'c, 'r>(
    planned: &PlannedAsset,
    one: &'c PlannedCheck,
    reading: &(dyn Fn(FactIndex) -> Option<&'r Reading> + Sync),
) -> Option<(Compared<'c>, Snapshot)> {
    let compared = Compared::of(one).filter(|compared| compared.drift.is_compared())?;
    let drift = compared.drift;
    let id = |at: FactIndex| planned.facts[usize::from(at)].fact.id.as_str();
    let (fact, path) = split_fact(&drift.of, |name| one.facts.iter().any(|at| id(*at) == name))?;
    let at = one.facts.iter().find(|at| id(**at) == fact)?;
    match reading(*at)? {
        Reading::Known(value) => Some((compared, Snapshot::of(drift, value.at(path).unwrap_or(&Value::Null)))),
        Reading::Absent(_) => Some((compared, Snapshot::of(drift, &Value::Null))),
        Reading::Missing(_) => None,
    }
}

fn stands(one: Compared<'_>, seen: &Snapshot, kept: Option<&Baseline>, windows: &[Window], now: Time) -> Standing {
    let Compared { drift, required } = one;
    standing(seen, &Circumstances { kept, windows, exact: drift.exact, required, now })
}

fn sighting(
    result: &CheckResult,
    snapshot: &Snapshot,
    kept: Option<&Baseline>,
    standing: &Standing,
    now: Time,
) -> Sighting {
    Sighting {
        asset: result.asset.clone(),
        check: result.check.clone(),
        zone: result.zone.clone(),
        value: snapshot.text(),
        sha256: snapshot.sha256.clone(),
        standing: standing.word(),
        against: kept.and_then(|kept| kept.approval.as_ref()).map(|approval| approval.seq),
        at: now,
    }
}

/// A pass that could not be held against its baseline is none.
fn blind(result: &mut CheckResult, error: &StoreError) {
    take_pass(result, Cause::Internal, format!("the store cannot say what was approved: {error}"));
}

/// Nor is one that only an approval could give, where nothing is kept.
fn unapproved(result: &mut CheckResult) {
    take_pass(result, Cause::NoData, "what was approved is kept in a store, and this round has none".to_owned());
}

fn take_pass(result: &mut CheckResult, cause: Cause, reason: String) {
    if matches!(result.judgement.verdict, Verdict::Pass | Verdict::Warn) {
        let params = result.judgement.params.clone();
        result.judgement = Judgement { params, ..Judgement::unknown(cause, reason) };
    }
}
