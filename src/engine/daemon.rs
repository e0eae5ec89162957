//! The loop that lives: takes what is due, visits, records, tells, and notices what has grown stale.
//!
//! A verdict is told to listeners only after the store has it. A visit that panics becomes an unknown for each of
//! its checks; it ends neither the loop nor another visit.

mod again;
mod ageing;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use self::ageing::Noticed;
use super::freshness::is_to_come;
use super::rooms::Rooms;
use super::unasked::panic_results;
use super::{AssetIndex, CheckIndex, Contact, Plan, PlannedAsset, Schedule, Visit, Visitor};
use crate::model::{AssetId, CheckId, CheckResult, Reading, Time, Transition, Transport, Value, Verdict};
use crate::store::{Store, StoreError};

/// How often the loop looks for judgements that have grown too old.
const SWEEP: Duration = Duration::from_mins(1);
/// A restart is no reason to call stale what it did not let be visited in time; a long absence is.
const RESTART: TimeDelta = TimeDelta::minutes(5);
/// What was never measured is due within this span after the start, spread over the assets.
const FIRST_ROUND: Duration = Duration::from_secs(20);

/// Wishes to visit now that wait for a visit under way; more wait with whoever has them.
const PATIENT: usize = 64;

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

/// Checks of an asset that are to run now.
pub type Ask = (AssetIndex, Vec<CheckIndex>);

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

/// A visit that ended.
struct Done {
    asset: AssetIndex,
    checks: Vec<CheckIndex>,
    /// `None` when it panicked.
    visit: Option<Visit>,
}

/// Visits that were recorded together, with what came of it.
struct Batch {
    visits: Vec<Done>,
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
        self.run_asked(shutdown, mpsc::channel(1).1).await
    }

    /// The same, and visits now whom somebody names; what their gates allow holds for such a visit as for any other.
    ///
    /// # Errors
    ///
    /// As [`Daemon::run`].
    pub async fn run_asked(self, shutdown: CancellationToken, asked: mpsc::Receiver<Ask>) -> Result<(), StoreError> {
        let mut life = Life {
            states: HashMap::new(),
            schedule: Schedule::default(),
            rooms: Rooms::new(&self.plan),
            visits: JoinSet::new(),
            ended: Vec::new(),
            one_by_one: 0,
            recording: JoinSet::new(),
            asked,
            patient: Vec::new(),
            noticed: Noticed::default(),
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
    /// Visits that wait to be recorded; their assets are busy until they are.
    ended: Vec<Done>,
    /// So many of them were refused together and are recorded alone, so that one bad row holds up no other.
    one_by_one: usize,
    /// The batch that is being recorded, one at a time: what ends meanwhile makes the next.
    recording: JoinSet<Batch>,
    /// Who is to be visited now.
    asked: mpsc::Receiver<Ask>,
    /// Those of them that wait for the end of a visit under way.
    patient: Vec<Ask>,
    /// The clock and the book as they were looked at last.
    noticed: Noticed,
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
                // a time that is still to come says nothing about when it was measured
                let measured = state.filter(|state| !is_to_come(state.at, now));
                let next = measured.and_then(|state| one.cadence.next_after(id, state.at));
                if let Some(state) = state {
                    self.states.insert((asset, check), *state);
                }
                self.schedule.add(next.map_or(soon, |next| next.max(soon)), asset, check);
            }
        }
        Ok(())
    }

    async fn live(&mut self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        self.sweep(RESTART).await?;
        self.compare_again().await?;
        self.renet().await?;
        let mut sweep = tokio::time::interval_at(tokio::time::Instant::now() + SWEEP, SWEEP);
        let visitor = Arc::clone(&self.daemon.visitor);
        while !shutdown.is_cancelled() {
            self.heed_clock();
            if self.heed_book() {
                self.renet().await?;
            }
            self.hasten();
            self.start_due();
            self.record_ended();
            self.daemon.listener.load(self.lag(), self.visits.len());
            let wait = self.until_next();
            tokio::select! {
                () = shutdown.cancelled() => {}
                Some(done) = self.visits.join_next() => self.visit_ended(done),
                Some(batch) = self.recording.join_next() => self.batch_recorded(batch)?,
                () = visitor.news.notified() => {}
                Some(ask) = self.asked.recv(), if self.patient.len() < PATIENT => self.patient.push(ask),
                _ = sweep.tick() => {
                    self.sweep(TimeDelta::zero()).await?;
                    self.compare_again().await?;
                    self.renet().await?;
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.rooms.close();
        while !(self.visits.is_empty() && self.recording.is_empty() && self.ended.is_empty()) {
            self.record_ended();
            self.daemon.listener.load(self.lag(), self.visits.len());
            tokio::select! {
                Some(done) = self.visits.join_next() => self.visit_ended(done),
                Some(batch) = self.recording.join_next() => self.batch_recorded(batch)?,
                else => {}
            }
        }
        Ok(())
    }

    /// How late the most overdue check is, also when its visit waits for a place in its zone.
    fn lag(&self) -> TimeDelta {
        let now = self.now();
        let outside = self.rooms.waiting_since().map_or(TimeDelta::zero(), |since| now - since);
        self.schedule.lag(now).max(outside)
    }

    /// Brings forward what somebody asked for, once no visit of the asset is under way.
    fn hasten(&mut self) {
        let now = self.now();
        let (schedule, plan) = (&mut self.schedule, &self.daemon.plan);
        self.patient.retain(|(asset, checks)| {
            if schedule.is_busy(*asset) {
                return true;
            }
            if plan.assets.get(*asset as usize).is_some() {
                schedule.hasten(*asset, checks, now);
            }
            false
        });
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

    fn start(&mut self, asset: AssetIndex, checks: Vec<CheckIndex>) {
        let visitor = Arc::clone(&self.daemon.visitor);
        let (plan, contact) = (Arc::clone(&self.daemon.plan), Arc::clone(&self.daemon.contacts[asset as usize]));
        let span = info_span!("visit", asset = %plan.asset(asset).member.asset.id);
        let visit = async move {
            let visit = visitor.visit(plan.asset(asset), &contact, &checks);
            let visit = AssertUnwindSafe(visit).catch_unwind().await.ok();
            Done { asset, checks, visit }
        };
        self.visits.spawn(visit.instrument(span));
    }

    /// How long nothing will be due; a full house waits for a visit to end.
    fn until_next(&self) -> Duration {
        if self.visits.len() >= self.daemon.visits_in_flight {
            return SWEEP;
        }
        let first = self.schedule.next_due().into_iter().chain(self.noticed.turn).min();
        let next = first.map_or(SWEEP, |due| (due - self.now()).to_std().unwrap_or(Duration::ZERO));
        next.clamp(Duration::from_millis(10), SWEEP)
    }

    fn visit_ended(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(done) => {
                if let Some((asset, checks)) = self.rooms.leave(done.asset) {
                    self.start(asset, checks);
                }
                self.ended.push(done);
            }
            // the visit itself is guarded; what ends up here is the runtime's own end
            Err(error) => error!(%error, "a visit was lost"),
        }
    }

    /// Begins to record what has ended, unless a batch is under way.
    fn record_ended(&mut self) {
        if self.ended.is_empty() || !self.recording.is_empty() {
            return;
        }
        let now = self.now();
        let together = if self.one_by_one > 0 { 1 } else { self.ended.len() };
        self.one_by_one = self.one_by_one.saturating_sub(1);
        let mut visits: Vec<_> = self.ended.drain(..together).collect();
        for done in visits.iter_mut().filter(|done| done.visit.is_none()) {
            let planned = self.daemon.plan.asset(done.asset);
            self.daemon.listener.panicked(&planned.member.asset.id);
            done.visit = Some(Visit::of_results(panic_results(planned, &done.checks, now), now));
        }
        self.net(&mut visits, now);
        let store = Arc::clone(&self.daemon.store);
        self.recording.spawn(async move {
            let seen = visits.iter().filter_map(|done| done.visit.as_ref()).map(Visit::seen).collect();
            let recorded = store.record_all(seen).await;
            Batch { visits, recorded }
        });
    }

    /// Tells what the store has taken, and plans the next visits.
    fn batch_recorded(&mut self, batch: Result<Batch, tokio::task::JoinError>) -> Result<(), StoreError> {
        let Batch { visits, recorded } = batch.map_err(|error| {
            error!(%error, "recording was lost");
            StoreError::Stopped
        })?;
        let plan = Arc::clone(&self.daemon.plan);
        let transitions = match recorded {
            Ok(transitions) => transitions,
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(_) if visits.len() > 1 => {
                self.one_by_one += visits.len();
                self.ended.splice(0..0, visits);
                return Ok(());
            }
            Err(error) => {
                for done in visits {
                    let planned = plan.asset(done.asset);
                    self.not_recorded(&planned.member.asset.id, &error);
                    self.plan_next(done.asset, planned, done.checks);
                }
                return Ok(());
            }
        };
        for Done { asset, checks, visit } in visits {
            let planned = plan.asset(asset);
            if let Some(visit) = visit {
                self.publish(asset, planned, &visit.results);
                self.tell_visit(&planned.member.asset.id, &visit);
            }
            self.plan_next(asset, planned, checks);
        }
        self.publish_transitions(&transitions);
        Ok(())
    }

    fn not_recorded(&self, asset: &AssetId, error: &StoreError) {
        error!(%asset, %error, "cannot record a visit; it is not shown");
        self.daemon.listener.unrecorded(asset);
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

    /// Only what was a contact counts as a visit.
    fn tell_visit(&self, asset: &AssetId, visit: &Visit) {
        if !visit.is_contact() {
            return;
        }
        self.daemon.listener.visited(asset, visit.at, visit.took, &visit.reachable);
        if let Some(Reading::Known(device)) = visit.readings.get(DEVICE) {
            self.daemon.listener.identified(asset, device);
        }
    }

    fn publish(&mut self, asset: AssetIndex, planned: &PlannedAsset, results: &[CheckResult]) {
        for result in results {
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
    }

    fn publish_transitions(&self, transitions: &[Transition]) {
        for transition in transitions {
            if transition.is_drift() {
                warn!(asset = %transition.asset, check = %transition.check, verdict = %transition.to, reason = transition.reason, "drift");
            } else if transition.from.is_some() {
                info!(asset = %transition.asset, check = %transition.check, verdict = %transition.to, "verdict changed");
            }
            self.daemon.listener.changed(transition);
        }
    }

    fn now(&self) -> Time {
        (self.daemon.visitor.clock)()
    }
}
