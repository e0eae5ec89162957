//! The loop that lives: takes what is due, visits, records, tells, and notices what has grown stale.
//!
//! A verdict is told to listeners only after the store has it. A visit that panics becomes an unknown for each of
//! its checks; it ends neither the loop nor another visit.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use super::rooms::Rooms;
use super::{AssetIndex, CheckIndex, Contact, Plan, PlannedAsset, Schedule, Visit, Visitor};
use crate::model::{
    AssetId, Cause, CheckId, CheckResult, Evidence, Judgement, Params, Reading, Time, Transition, Transport, Value,
    Verdict,
};
use crate::store::{Store, StoreError};

/// How often the loop looks for judgements that have grown too old.
const SWEEP: Duration = Duration::from_mins(1);
/// A judgement is stale when it is older than so many intervals of its check.
const STALE_INTERVALS: u32 = 2;
/// What was never measured is due within this span after the start, spread over the assets.
const FIRST_ROUND: Duration = Duration::from_secs(20);

/// The fact that says what a device is.
const DEVICE: &str = "device";

/// Who wants to know what was recorded. Called from the loop: it must not wait.
pub trait Listener: Send + Sync {
    /// A judgement was recorded; `since` is when its state began.
    fn judged(&self, result: &CheckResult, since: Time);
    /// A verdict changed; the change is in the store.
    fn changed(&self, transition: &Transition);
    /// A visit ended.
    fn visited(&self, asset: &AssetId, at: Time, took: Duration, reachable: &[(Transport, bool)]);
    /// A visit read what the device is: the fact `device`, with `vendor`, `model` and `version` as far as known.
    fn identified(&self, asset: &AssetId, device: &Value);
    /// A visit panicked.
    fn panicked(&self, asset: &AssetId);
    /// The store refused to record a visit, so nothing of it is told.
    fn unrecorded(&self, asset: &AssetId);
    /// How late the most overdue check is, and how many visits run.
    fn load(&self, lag: TimeDelta, in_flight: usize);
}

/// The state of one pair as the store has it.
#[derive(Debug, Clone, Copy)]
struct State {
    verdict: Verdict,
    since: Time,
    at: Time,
}

/// What the loop needs.
pub struct Daemon {
    /// What is measured.
    pub plan: Arc<Plan>,
    /// How each asset of the plan is contacted, in the same order.
    pub contacts: Vec<Arc<Contact>>,
    /// Asks and judges.
    pub visitor: Arc<Visitor>,
    /// Keeps what was seen.
    pub store: Arc<dyn Store>,
    /// Is told.
    pub listener: Arc<dyn Listener>,
    /// Visits at once.
    pub visits_in_flight: usize,
}

/// A visit that ended, with what came of recording it.
struct Done {
    asset: AssetIndex,
    checks: Vec<CheckIndex>,
    visit: Option<Visit>,
    recorded: Result<Vec<Transition>, StoreError>,
}

impl Daemon {
    /// Runs until `shutdown` fires, then lets the visits under way finish.
    ///
    /// # Errors
    ///
    /// The store cannot tell what was seen before, or has stopped: what is not kept is not shown, so to go on would
    /// only wear the assets.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        let mut life = Life {
            states: HashMap::new(),
            schedule: Schedule::default(),
            rooms: Rooms::new(&self.plan),
            visits: JoinSet::new(),
            daemon: self,
        };
        life.remember().await?;
        life.live(&shutdown).await
    }
}

/// The loop's own state.
struct Life {
    daemon: Daemon,
    schedule: Schedule,
    rooms: Rooms,
    states: HashMap<(AssetIndex, CheckIndex), State>,
    visits: JoinSet<Done>,
}

impl Life {
    /// Takes the states of before the restart and plans the first visits: what was measured lately is not asked again
    /// before its time.
    async fn remember(&mut self) -> Result<(), StoreError> {
        let latest = self.daemon.store.latest().await?;
        let known: HashMap<(AssetId, CheckId), State> = latest
            .into_iter()
            .map(|one| ((one.asset, one.check), State { verdict: one.verdict, since: one.since, at: one.at }))
            .collect();
        let now = self.now();
        let plan = Arc::clone(&self.daemon.plan);
        for (asset, planned) in (0..).zip(&plan.assets) {
            let id = &planned.member.asset.id;
            let soon = super::Cadence::Every(FIRST_ROUND).next_after(id, now).unwrap_or(now);
            for (check, one) in (0..).zip(&planned.checks) {
                let state = known.get(&(id.clone(), one.check.id.clone()));
                let next = state.and_then(|state| one.cadence.next_after(id, state.at));
                if let Some(state) = state {
                    self.states.insert((asset, check), *state);
                }
                self.schedule.add(next.map_or(soon, |next| next.max(soon)), asset, check);
            }
        }
        Ok(())
    }

    async fn live(&mut self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let mut sweep = tokio::time::interval(SWEEP);
        while !shutdown.is_cancelled() {
            self.start_due();
            self.daemon.listener.load(self.lag(), self.visits.len());
            let wait = self.until_next();
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(done) = self.visits.join_next() => {
                    if let Some(asset) = self.ended(done)? {
                        self.let_next_in(asset);
                    }
                }
                _ = sweep.tick() => self.sweep().await?,
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(done) = self.visits.join_next().await {
            self.ended(done)?;
            self.daemon.listener.load(self.lag(), self.visits.len());
        }
        Ok(())
    }

    /// How late the most overdue check is, also when its visit waits for a place in its zone.
    fn lag(&self) -> TimeDelta {
        let now = self.now();
        let outside = self.rooms.waiting_since().map_or(TimeDelta::zero(), |since| now - since);
        self.schedule.lag(now).max(outside)
    }

    fn start_due(&mut self) {
        while self.visits.len() < self.daemon.visits_in_flight {
            let now = self.now();
            let Some((asset, checks)) = self.schedule.take_due(now) else { return };
            if let Some((asset, checks)) = self.rooms.enter(asset, checks, now) {
                self.start(asset, checks);
            }
        }
    }

    fn let_next_in(&mut self, left: AssetIndex) {
        if let Some((asset, checks)) = self.rooms.leave(left) {
            self.start(asset, checks);
        }
    }

    fn start(&mut self, asset: AssetIndex, checks: Vec<CheckIndex>) {
        let (visitor, store) = (Arc::clone(&self.daemon.visitor), Arc::clone(&self.daemon.store));
        let (plan, contact) = (Arc::clone(&self.daemon.plan), Arc::clone(&self.daemon.contacts[asset as usize]));
        let span = info_span!("visit", asset = %plan.asset(asset).member.asset.id);
        let visit = async move { visit(&plan, asset, checks, &visitor, &contact, &*store).await };
        self.visits.spawn(visit.instrument(span));
    }

    /// How long nothing will be due; a full house waits for a visit to end.
    fn until_next(&self) -> Duration {
        if self.visits.len() >= self.daemon.visits_in_flight {
            return SWEEP;
        }
        let next = self.schedule.next_due().map_or(SWEEP, |due| (due - self.now()).to_std().unwrap_or(Duration::ZERO));
        next.clamp(Duration::from_millis(10), SWEEP)
    }

    /// Tells what came of a visit and plans the next; returns which asset it was.
    fn ended(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<Option<AssetIndex>, StoreError> {
        let done = match done {
            Ok(done) => done,
            // the visit itself is guarded; what ends up here is the runtime's own end
            Err(error) => {
                error!(%error, "a visit was lost");
                return Ok(None);
            }
        };
        if let Err(StoreError::Stopped) = done.recorded {
            return Err(StoreError::Stopped);
        }
        let plan = Arc::clone(&self.daemon.plan);
        let planned = plan.asset(done.asset);
        if let Some(visit) = &done.visit {
            if self.publish(done.asset, planned, visit, done.recorded) {
                self.tell_visit(&planned.member.asset.id, visit);
            }
        } else {
            self.daemon.listener.panicked(&planned.member.asset.id);
            let results = panic_results(planned, &done.checks, self.now());
            let visit = Visit::of_results(results, self.now());
            self.publish(done.asset, planned, &visit, done.recorded);
        }
        self.plan_next(done.asset, planned, done.checks);
        Ok(Some(done.asset))
    }

    fn plan_next(&mut self, asset: AssetIndex, planned: &PlannedAsset, checks: Vec<CheckIndex>) {
        let now = self.now();
        let mut again = self.schedule.finished(asset);
        again.extend(checks);
        again.sort_unstable();
        again.dedup();
        for check in again {
            let cadence = &planned.checks[usize::from(check)].cadence;
            if let Some(due) = cadence.next_after(&planned.member.asset.id, now) {
                self.schedule.add(due, asset, check);
            }
        }
    }

    /// A sweep and a panic are no contact with the asset: only what was a visit counts as one.
    fn tell_visit(&self, asset: &AssetId, visit: &Visit) {
        self.daemon.listener.visited(asset, visit.at, visit.took, &visit.reachable);
        if let Some(Reading::Known(device)) = visit.readings.get(DEVICE) {
            self.daemon.listener.identified(asset, device);
        }
    }

    /// Tells what the store has taken; whether it has.
    fn publish(
        &mut self,
        asset: AssetIndex,
        planned: &PlannedAsset,
        visit: &Visit,
        recorded: Result<Vec<Transition>, StoreError>,
    ) -> bool {
        let transitions = match recorded {
            Ok(transitions) => transitions,
            Err(error) => {
                error!(asset = %planned.member.asset.id, %error, "cannot record a visit; it is not shown");
                self.daemon.listener.unrecorded(&planned.member.asset.id);
                return false;
            }
        };
        for result in &visit.results {
            let Some(check) = planned.check(result.check.as_str()) else { continue };
            let verdict = result.judgement.verdict;
            let before = self.states.get(&(asset, check));
            let since = match before {
                Some(state) if state.verdict.word() == verdict.word() => state.since,
                _ => result.at,
            };
            self.states.insert((asset, check), State { verdict, since, at: result.at });
            self.daemon.listener.judged(result, since);
        }
        for transition in &transitions {
            if transition.is_drift() {
                warn!(asset = %transition.asset, check = %transition.check, verdict = %transition.to, reason = transition.reason, "drift");
            } else if transition.from.is_some() {
                info!(asset = %transition.asset, check = %transition.check, verdict = %transition.to, "verdict changed");
            }
            self.daemon.listener.changed(transition);
        }
        true
    }

    /// Turns judgements that are too old into unknowns: what was true two intervals ago proves nothing now.
    async fn sweep(&mut self) -> Result<(), StoreError> {
        let now = self.now();
        let plan = Arc::clone(&self.daemon.plan);
        let mut stale: HashMap<AssetIndex, Vec<CheckResult>> = HashMap::new();
        for ((asset, check), state) in &self.states {
            let planned = plan.asset(*asset);
            let one = &planned.checks[usize::from(*check)];
            let limit = TimeDelta::from_std(one.cadence.interval(now).saturating_mul(STALE_INTERVALS))
                .unwrap_or(TimeDelta::MAX);
            let is_old = now - state.at > limit && state.verdict != Verdict::Unknown(Cause::Stale);
            if is_old && !self.schedule.is_busy(*asset) {
                let reason = format!(
                    "last judged {}, more than {STALE_INTERVALS} intervals ago; see why it is not visited",
                    state.at.to_rfc3339()
                );
                stale.entry(*asset).or_default().push(bare_result(planned, *check, Cause::Stale, reason, now));
            }
        }
        for (asset, results) in stale {
            let recorded = self.daemon.store.record(results.clone()).await;
            if let Err(StoreError::Stopped) = recorded {
                return Err(StoreError::Stopped);
            }
            self.publish(asset, plan.asset(asset), &Visit::of_results(results, now), recorded);
        }
        Ok(())
    }

    fn now(&self) -> Time {
        (self.daemon.visitor.clock)()
    }
}

/// One visit under guard, recorded.
async fn visit(
    plan: &Plan,
    asset: AssetIndex,
    checks: Vec<CheckIndex>,
    visitor: &Visitor,
    contact: &Contact,
    store: &dyn Store,
) -> Done {
    let planned = plan.asset(asset);
    let visit = AssertUnwindSafe(visitor.visit(planned, contact, &checks)).catch_unwind().await.ok();
    let results = visit
        .as_ref()
        .map_or_else(|| panic_results(planned, &checks, (visitor.clock)()), |visit| visit.results.clone());
    let recorded = store.record(results).await;
    if let (Some(visit), true) = (&visit, recorded.is_ok()) {
        let done = crate::store::Visit {
            asset: planned.member.asset.id.clone(),
            at: visit.at,
            duration: visit.took,
            reachable: visit.reachable.clone(),
        };
        if let Err(error) = store.visit_done(done).await {
            warn!(%error, "cannot note the end of a visit");
        }
    }
    Done { asset, checks, visit, recorded }
}

fn panic_results(planned: &PlannedAsset, checks: &[CheckIndex], now: Time) -> Vec<CheckResult> {
    let reason = "the visit ended in a defect of nis2watch; the log has it";
    checks.iter().map(|check| bare_result(planned, *check, Cause::Internal, reason.to_owned(), now)).collect()
}

/// What a command says of an asset that only the running daemon may ask, and of which the store knows nothing yet.
#[must_use]
pub fn left_to_daemon(planned: &PlannedAsset, check: CheckIndex, now: Time) -> CheckResult {
    let reason = "only the running daemon asks this fragile asset, and it has not judged this yet";
    bare_result(planned, check, Cause::Gated, reason.to_owned(), now)
}

/// An unknown that no question stands behind.
fn bare_result(planned: &PlannedAsset, check: CheckIndex, cause: Cause, reason: String, now: Time) -> CheckResult {
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
