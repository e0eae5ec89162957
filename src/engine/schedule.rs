//! What is due next: the assets in the order of their first check, and the checks of one asset that fall together.
//!
//! Pure: time is passed in. The unit here is (asset, check); what comes out is one visit per asset.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::model::Time;

/// Checks of one asset that are due within this span share a visit.
const TOGETHER: TimeDelta = TimeDelta::seconds(5);

/// The place of an asset in the plan.
pub type AssetIndex = u32;
/// The place of a check in its asset's plan.
pub type CheckIndex = u16;

/// Due times by asset. 16 bytes a pair, and some 60 an asset.
#[derive(Debug, Default)]
pub struct Schedule {
    /// What waits of each asset; an asset without anything is left out.
    waiting: BTreeMap<AssetIndex, Waiting>,
    /// The first of each asset, the earliest in front.
    order: BTreeSet<(i64, AssetIndex)>,
    /// Assets under visit, with the checks that fell due meanwhile.
    busy: BTreeMap<AssetIndex, Vec<CheckIndex>>,
}

/// Checks of one asset with their due times, in no order.
#[derive(Debug)]
struct Waiting {
    first: i64,
    checks: Vec<(i64, CheckIndex)>,
}

impl Schedule {
    /// Puts a check on the list.
    pub fn add(&mut self, due: Time, asset: AssetIndex, check: CheckIndex) {
        let due = due.timestamp_millis();
        let waiting = self.waiting.entry(asset).or_insert(Waiting { first: i64::MAX, checks: Vec::new() });
        waiting.checks.push((due, check));
        if due < waiting.first {
            self.order.remove(&(waiting.first, asset));
            waiting.first = due;
            self.order.insert((due, asset));
        }
    }

    /// When to look again.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.order.first().and_then(|(due, _)| Time::from_timestamp_millis(*due))
    }

    /// How late the most overdue check is.
    #[must_use]
    pub fn lag(&self, now: Time) -> TimeDelta {
        self.next_due().map_or(TimeDelta::zero(), |due| (now - due).max(TimeDelta::zero()))
    }

    /// Makes checks of an asset due now instead of when they were.
    pub fn hasten(&mut self, asset: AssetIndex, checks: &[CheckIndex], now: Time) {
        self.take(asset, |_, check| checks.contains(&check));
        for check in checks {
            self.add(now, asset, *check);
        }
    }

    /// Moves everything that waits by the same time.
    pub fn shift(&mut self, by: TimeDelta) {
        let by = by.num_milliseconds();
        for waiting in self.waiting.values_mut() {
            waiting.first = waiting.first.saturating_add(by);
            waiting.checks.iter_mut().for_each(|(due, _)| *due = due.saturating_add(by));
        }
        self.order = self.waiting.iter().map(|(asset, waiting)| (waiting.first, *asset)).collect();
    }

    /// Takes the next asset that has something due, with all of its checks that are due now or within seconds.
    /// The asset is busy until [`Schedule::finished`]. A check of a busy asset waits for that, and is not started twice.
    pub fn take_due(&mut self, now: Time) -> Option<(AssetIndex, Vec<CheckIndex>)> {
        let (due, soon) = (now.timestamp_millis(), (now + TOGETHER).timestamp_millis());
        loop {
            let (first, asset) = *self.order.first()?;
            if first > due {
                return None;
            }
            if self.busy.contains_key(&asset) {
                let late = self.take(asset, |at, _| at <= due);
                self.busy.entry(asset).or_default().extend(late);
                continue;
            }
            let mut checks = self.take(asset, |at, _| at <= soon);
            self.busy.insert(asset, Vec::new());
            checks.sort_unstable();
            checks.dedup();
            return Some((asset, checks));
        }
    }

    /// Ends a visit; returns the checks that fell due while it ran.
    pub fn finished(&mut self, asset: AssetIndex) -> Vec<CheckIndex> {
        self.busy.remove(&asset).unwrap_or_default()
    }

    /// Whether a visit of the asset is under way.
    #[must_use]
    pub fn is_busy(&self, asset: AssetIndex) -> bool {
        self.busy.contains_key(&asset)
    }

    /// Takes checks of an asset off the list.
    fn take(&mut self, asset: AssetIndex, which: impl Fn(i64, CheckIndex) -> bool) -> Vec<CheckIndex> {
        let Some(waiting) = self.waiting.get_mut(&asset) else { return Vec::new() };
        let taken = waiting.checks.extract_if(.., |(due, check)| which(*due, *check)).map(|(_, check)| check).collect();
        self.order.remove(&(waiting.first, asset));
        match waiting.checks.iter().map(|(due, _)| *due).min() {
            Some(first) => {
                waiting.first = first;
                self.order.insert((first, asset));
            }
            None => _ = self.waiting.remove(&asset),
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn checks_that_fall_together_share_one_visit() {
        let mut schedule = Schedule::default();
        schedule.add(at(10), 1, 0);
        schedule.add(at(12), 1, 1);
        schedule.add(at(11), 2, 0);
        schedule.add(at(100), 1, 2);
        assert_eq!(schedule.take_due(at(9)), None);
        assert_eq!(schedule.take_due(at(10)), Some((1, vec![0, 1])));
        assert_eq!(schedule.take_due(at(11)), Some((2, vec![0])));
        assert_eq!(schedule.next_due(), Some(at(100)));
    }

    #[test]
    fn what_is_shifted_keeps_its_order_and_its_distances() {
        let mut schedule = Schedule::default();
        schedule.add(at(1000), 1, 0);
        schedule.add(at(1100), 1, 1);
        schedule.add(at(1010), 2, 0);
        schedule.shift(TimeDelta::seconds(-900));
        assert_eq!(schedule.next_due(), Some(at(100)));
        assert_eq!(schedule.take_due(at(100)), Some((1, vec![0])));
        assert_eq!(schedule.take_due(at(110)), Some((2, vec![0])));
        schedule.finished(1);
        assert_eq!((schedule.take_due(at(199)), schedule.take_due(at(200))), (None, Some((1, vec![1]))));
    }

    #[test]
    fn what_is_hastened_runs_now_and_not_a_second_time_when_it_was_due() {
        let mut schedule = Schedule::default();
        schedule.add(at(100), 1, 0);
        schedule.add(at(100), 2, 0);
        schedule.hasten(1, &[0], at(10));
        assert_eq!(schedule.take_due(at(10)), Some((1, vec![0])));
        assert_eq!(schedule.finished(1), Vec::<CheckIndex>::new());
        assert_eq!((schedule.take_due(at(100)), schedule.take_due(at(100))), (Some((2, vec![0])), None));
    }

    #[test]
    fn a_running_check_is_not_started_again() {
        let mut schedule = Schedule::default();
        schedule.add(at(10), 1, 0);
        assert_eq!(schedule.take_due(at(10)), Some((1, vec![0])));
        schedule.add(at(20), 1, 0);
        assert_eq!(schedule.take_due(at(30)), None);
        assert_eq!(schedule.finished(1), vec![0]);
    }

    #[test]
    fn a_visit_takes_what_is_soon_of_its_asset_however_many_others_are_due() {
        let mut schedule = Schedule::default();
        schedule.add(at(10), 0, 0);
        (1..2000).for_each(|asset| schedule.add(at(11), asset, 0));
        schedule.add(at(12), 0, 1);
        schedule.add(at(16), 0, 2);
        assert_eq!(schedule.take_due(at(10)), Some((0, vec![0, 1])));
        assert_eq!(schedule.take_due(at(10)), None);
        assert_eq!(schedule.next_due(), Some(at(11)));
        assert_eq!((1..2000).filter(|_| schedule.take_due(at(11)).is_some()).count(), 1999);
        assert_eq!(schedule.next_due(), Some(at(16)));
    }
}
