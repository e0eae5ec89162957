//! The board: how every pair stands, kept in memory and changed one pair at a time as verdicts come in.
//!
//! Lists, counts and pages are made of it, so that nobody who only looks makes the store read through its evidence, and a
//! look costs the same however long the plant has been watched.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::engine::{AssetIndex, CheckIndex, Plan, PlannedAsset, PlannedCheck};
use crate::model::{AssetId, Cause, CheckId, CheckResult, Severity, Time, Transition, Value, Verdict, ZoneId};
use crate::store::{Latest, Visit};

/// Changes that are kept for the feed.
const FEED: usize = 100;
/// Longest text of what a device said about itself, in characters.
const LONGEST_WORD: usize = 64;

/// How one pair stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The conclusion.
    pub verdict: Verdict,
    /// When this state began.
    pub since: Time,
    /// When it was last judged.
    pub at: Time,
}

/// What a device said it is, cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Device {
    /// Who made it.
    pub vendor: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// What runs on it.
    pub version: Option<String>,
}

/// How many pairs stand how, by severity and state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally([[u32; Verdict::WORDS.len()]; Severity::ALL.len()]);

impl Tally {
    /// Counts one pair; what was never judged counts as unknown.
    pub fn add(&mut self, severity: Severity, cell: Option<&Cell>) {
        self.0[severity as usize][place(cell)] += 1;
    }

    fn remove(&mut self, severity: Severity, cell: Option<&Cell>) {
        let count = &mut self.0[severity as usize][place(cell)];
        *count = count.saturating_sub(1);
    }

    /// Both counts together.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (row, more) in self.0.iter_mut().zip(&other.0) {
            for (count, more) in row.iter_mut().zip(more) {
                *count += more;
            }
        }
        self
    }

    /// Pairs in each state, in the order of [`Verdict::WORDS`].
    #[must_use]
    pub fn states(&self) -> [u32; Verdict::WORDS.len()] {
        let mut sum = [0; Verdict::WORDS.len()];
        for row in &self.0 {
            for (total, count) in sum.iter_mut().zip(row) {
                *total += count;
            }
        }
        sum
    }

    /// Pairs in one state.
    #[must_use]
    pub fn of(&self, state: Verdict) -> u32 {
        self.states()[usize::from(state.code())]
    }

    /// The most urgent severity of which a pair is in that state.
    #[must_use]
    pub fn worst(&self, state: Verdict) -> Option<Severity> {
        let is_there = |severity: &&Severity| self.0[**severity as usize][usize::from(state.code())] > 0;
        Severity::ALL.iter().rev().find(is_there).copied()
    }

    /// The state that needs somebody first: a fail before an unknown before a warning; else what most pairs are in.
    #[must_use]
    pub fn leading(&self) -> &'static str {
        let states = self.states();
        let urgent = [Verdict::Fail, Verdict::Unknown(Cause::NoData), Verdict::Warn, Verdict::Waived, Verdict::Pass];
        urgent.iter().find(|state| states[usize::from(state.code())] > 0).map_or("not_applicable", |state| state.word())
    }
}

fn place(cell: Option<&Cell>) -> usize {
    usize::from(cell.map_or(Verdict::Unknown(Cause::NoData).code(), |cell| cell.verdict.code()))
}

/// Everything that the board knows at a moment.
#[derive(Debug, Default)]
pub struct State {
    /// Who is asked what.
    pub plan: Arc<Plan>,
    /// The pairs of each asset, in the order of the plan; `None` was never judged.
    pub cells: Vec<Vec<Option<Cell>>>,
    /// The last visit of each asset.
    pub visits: Vec<Option<Visit>>,
    /// What devices said they are, as far as they were asked since the start.
    pub devices: BTreeMap<AssetIndex, Device>,
    /// All pairs.
    pub total: Tally,
    /// The pairs of each zone.
    pub zones: BTreeMap<ZoneId, Tally>,
    /// The pairs that are unknown, by cause.
    pub causes: BTreeMap<&'static str, u32>,
    /// Pairs that were never judged.
    pub waiting: u32,
    /// The last changes, newest first.
    pub feed: VecDeque<Transition>,
    /// Grows with every change.
    pub revision: u64,
}

/// One pair with its place in the plan.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The asset.
    pub asset: AssetIndex,
    /// The check.
    pub check: CheckIndex,
    /// How it stands.
    pub cell: Option<Cell>,
}

impl Pair {
    /// The planned asset and check.
    #[must_use]
    pub fn of<'p>(&self, plan: &'p Plan) -> (&'p PlannedAsset, &'p PlannedCheck) {
        let planned = plan.asset(self.asset);
        (planned, &planned.checks[usize::from(self.check)])
    }

    /// The word of its state; what was never judged is unknown.
    #[must_use]
    pub fn state(&self) -> &'static str {
        Verdict::WORDS[place(self.cell.as_ref())]
    }

    /// Why it is unknown.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.cell.map_or(Some(Cause::NoData), |cell| cell.verdict.cause())
    }
}

/// The shared board; cloning shares it. Writers and readers hold it for moments only.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<RwLock<State>>);

impl Board {
    /// Takes another plan with what is known of its pairs.
    pub fn replace(&self, plan: &Arc<Plan>, latest: &[Latest], visits: &[Visit]) {
        let mut next = State::new(plan, latest, visits);
        let mut state = self.write();
        next.revision = state.revision + 1;
        next.feed = std::mem::take(&mut state.feed);
        *state = next;
    }

    /// Begins the feed with changes that were read from the store, newest first.
    pub fn recall(&self, changes: impl IntoIterator<Item = Transition>) {
        let mut state = self.write();
        state.feed = changes.into_iter().filter(|change| change.from.is_some()).take(FEED).collect();
        state.revision += 1;
    }

    /// Notes a judgement.
    pub fn judged(&self, result: &CheckResult, since: Time) {
        let cell = Cell { verdict: result.judgement.verdict, since, at: result.at };
        self.write().set(&result.asset, &result.check, cell);
    }

    /// Notes a change of a verdict.
    pub fn changed(&self, transition: &Transition) {
        let mut state = self.write();
        state.revision += 1;
        // what is seen for the first time has not changed
        if transition.from.is_some() {
            state.feed.truncate(FEED - 1);
            state.feed.push_front(transition.clone());
        }
    }

    /// Notes a visit.
    pub fn visited(&self, visit: Visit) {
        let mut state = self.write();
        let Some(at) = state.plan.find(visit.asset.as_str()) else { return };
        state.visits[at as usize] = Some(visit);
    }

    /// Notes what a device said it is.
    pub fn identified(&self, asset: &AssetId, device: &Value) {
        let word = |name| device.get(name).and_then(Value::as_text).map(clean).filter(|word| !word.is_empty());
        let device = Device { vendor: word("vendor"), model: word("model"), version: word("version") };
        let mut state = self.write();
        if let Some(at) = state.plan.find(asset.as_str()) {
            state.devices.insert(at, device);
        }
    }

    /// Looks at it; let it go soon, because the loop that visits waits for it.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(plan: &Arc<Plan>, latest: &[Latest], visits: &[Visit]) -> Self {
        let mut state = Self { plan: Arc::clone(plan), visits: vec![None; plan.assets.len()], ..Self::default() };
        for planned in &plan.assets {
            state.cells.push(vec![None; planned.checks.len()]);
            let zone = state.zones.entry(planned.member.asset.zone.clone()).or_default();
            for one in &planned.checks {
                state.waiting += 1;
                *state.causes.entry(Cause::NoData.word()).or_default() += 1;
                zone.add(one.check.severity, None);
                state.total.add(one.check.severity, None);
            }
        }
        for one in latest {
            state.set(&one.asset, &one.check, Cell { verdict: one.verdict, since: one.since, at: one.at });
        }
        for visit in visits {
            if let Some(at) = plan.find(visit.asset.as_str()) {
                state.visits[at as usize] = Some(visit.clone());
            }
        }
        state
    }

    fn set(&mut self, asset: &AssetId, check: &CheckId, cell: Cell) {
        let plan = Arc::clone(&self.plan);
        let Some(at) = plan.find(asset.as_str()) else { return };
        let planned = plan.asset(at);
        let Some(place) = planned.check(check.as_str()) else { return };
        let severity = planned.checks[usize::from(place)].check.severity;
        let before = self.cells[at as usize][usize::from(place)].replace(cell);
        let zone = self.zones.entry(planned.member.asset.zone.clone()).or_default();
        zone.remove(severity, before.as_ref());
        zone.add(severity, Some(&cell));
        self.total.remove(severity, before.as_ref());
        self.total.add(severity, Some(&cell));
        self.waiting -= u32::from(before.is_none() && self.waiting > 0);
        if let Some(cause) = before.map_or(Some(Cause::NoData), |cell| cell.verdict.cause()) {
            let count = self.causes.entry(cause.word()).or_default();
            *count = count.saturating_sub(1);
        }
        if let Some(cause) = cell.verdict.cause() {
            *self.causes.entry(cause.word()).or_default() += 1;
        }
        self.revision += 1;
    }

    /// The pairs of one asset.
    pub fn pairs_of(&self, at: AssetIndex) -> impl Iterator<Item = Pair> {
        let cells = self.cells.get(at as usize).map(Vec::as_slice).unwrap_or_default();
        (0..).zip(cells).map(move |(check, cell)| Pair { asset: at, check, cell: *cell })
    }

    /// All pairs, in the order of the plan.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> {
        (0..).zip(&self.cells).flat_map(|(at, _)| self.pairs_of(at))
    }

    /// How the pairs of one asset stand.
    #[must_use]
    pub fn tally(&self, at: AssetIndex) -> Tally {
        let planned = self.plan.asset(at);
        let mut tally = Tally::default();
        for pair in self.pairs_of(at) {
            tally.add(planned.checks[usize::from(pair.check)].check.severity, pair.cell.as_ref());
        }
        tally
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_WORD).collect::<String>().trim().to_owned()
}
