//! What is due next: one heap of (time, asset, check), and the checks of one asset that fall together.
//!
//! Pure: time is passed in. The unit here is (asset, check); what comes out is one visit per asset.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use chrono::TimeDelta;

use crate::model::Time;

/// Checks of one asset that are due within this span share a visit.
const TOGETHER: TimeDelta = TimeDelta::seconds(5);

/// How many entries of other assets are looked past for checks of the same one.
const LOOK_AHEAD: usize = 256;

/// The place of an asset in the plan.
pub type AssetIndex = u32;
/// The place of a check in its asset's plan.
pub type CheckIndex = u16;

/// A heap of due times. 16 bytes an entry: 200,000 pairs take 3 MB.
#[derive(Debug, Default)]
pub struct Schedule {
    heap: BinaryHeap<Reverse<(i64, AssetIndex, CheckIndex)>>,
    /// Assets under visit, with the checks that fell due meanwhile.
    busy: BTreeMap<AssetIndex, Vec<CheckIndex>>,
}

impl Schedule {
    /// Puts a check on the list.
    pub fn add(&mut self, due: Time, asset: AssetIndex, check: CheckIndex) {
        self.heap.push(Reverse((due.timestamp_millis(), asset, check)));
    }

    /// When to look again.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.heap.peek().and_then(|Reverse((due, ..))| Time::from_timestamp_millis(*due))
    }

    /// How late the most overdue check is.
    #[must_use]
    pub fn lag(&self, now: Time) -> TimeDelta {
        self.next_due().map_or(TimeDelta::zero(), |due| (now - due).max(TimeDelta::zero()))
    }

    /// Makes checks of an asset due now instead of when they were. Looks through the whole list.
    pub fn hasten(&mut self, asset: AssetIndex, checks: &[CheckIndex], now: Time) {
        self.heap.retain(|Reverse((_, of, check))| *of != asset || !checks.contains(check));
        for check in checks {
            self.add(now, asset, *check);
        }
    }

    /// Takes the next asset that has something due, with all of its checks that are due now or within seconds.
    /// The asset is busy until [`Schedule::finished`]. A check of a busy asset waits for that, and is not started twice.
    pub fn take_due(&mut self, now: Time) -> Option<(AssetIndex, Vec<CheckIndex>)> {
        let (asset, check) = loop {
            let (_, asset, check) = self.pop_until(now)?;
            match self.busy.get_mut(&asset) {
                Some(waiting) => waiting.push(check),
                None => break (asset, check),
            }
        };
        let mut checks = vec![check];
        let mut others = Vec::new();
        while others.len() < LOOK_AHEAD {
            let Some(entry) = self.pop_until(now + TOGETHER) else { break };
            if entry.1 == asset {
                checks.push(entry.2);
            } else {
                others.push(Reverse(entry));
            }
        }
        self.heap.extend(others);
        self.busy.insert(asset, Vec::new());
        checks.sort_unstable();
        checks.dedup();
        Some((asset, checks))
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

    fn pop_until(&mut self, until: Time) -> Option<(i64, AssetIndex, CheckIndex)> {
        let Reverse((due, ..)) = self.heap.peek()?;
        if *due > until.timestamp_millis() {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
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
}
