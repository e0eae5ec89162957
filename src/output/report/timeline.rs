//! How long a pair was in which state.

use chrono::TimeDelta;
use serde::Serialize;

use super::Period;
use crate::model::{Time, Verdict};

/// The states of one pair over a period, each from its beginning; `None` where it was not watched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Timeline {
    period: Period,
    /// In the order of time; the first begins with the period.
    states: Vec<(Time, Option<Verdict>)>,
}

/// Seconds in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spans {
    /// Pass or warn.
    pub met_seconds: i64,
    /// A fail under a running waiver.
    pub waived_seconds: i64,
    /// A fail.
    pub open_seconds: i64,
    /// Nothing could be said.
    pub unknown_seconds: i64,
}

impl Timeline {
    /// A pair of which nothing is known yet.
    pub(super) fn new(period: Period) -> Self {
        Self { period, states: vec![(period.from, None)] }
    }

    /// Notes that a state began; calls come in the order of the chain. A clock that was set back shortens the state before.
    pub(super) fn note(&mut self, at: Time, state: Option<Verdict>) {
        if at >= self.period.until {
            return;
        }
        let at = at.max(self.period.from);
        while self.states.last().is_some_and(|(began, _)| *began >= at) {
            self.states.pop();
        }
        self.states.push((at, state));
        if self.states.first().is_none_or(|(began, _)| *began > self.period.from) {
            self.states.insert(0, (self.period.from, None));
        }
    }

    /// Notes that from a moment on nothing proves the last state any more.
    pub(super) fn expire(&mut self, at: Time, state: Verdict) {
        self.states.retain(|(began, _)| *began < at || *began == self.period.from);
        self.note(at, Some(state));
    }

    /// The state at a moment of the period.
    pub(super) fn at(&self, moment: Time) -> Option<Verdict> {
        self.states.iter().rev().find(|(began, _)| *began < moment).and_then(|(_, state)| *state)
    }

    /// How long it was in which state.
    pub(super) fn spans(&self) -> Spans {
        let ends = self.states.iter().skip(1).map(|(began, _)| *began).chain([self.period.until]);
        let mut spans = Spans::default();
        for ((began, state), end) in self.states.iter().zip(ends) {
            let seconds = (end - *began).max(TimeDelta::zero()).num_seconds();
            match state {
                Some(Verdict::Pass | Verdict::Warn) => spans.met_seconds += seconds,
                Some(Verdict::Waived) => spans.waived_seconds += seconds,
                Some(Verdict::Fail) => spans.open_seconds += seconds,
                Some(Verdict::Unknown(_)) => spans.unknown_seconds += seconds,
                Some(Verdict::NotApplicable) | None => {}
            }
        }
        spans
    }
}

impl Spans {
    /// Adds those of another pair.
    pub(super) fn add(&mut self, other: Self) {
        self.met_seconds += other.met_seconds;
        self.waived_seconds += other.waived_seconds;
        self.open_seconds += other.open_seconds;
        self.unknown_seconds += other.unknown_seconds;
    }

    /// The share of the time that was watched; an unknown counts as time in which nothing was met. `None` where nothing was.
    pub(super) fn share(self, with_waived: bool) -> Option<f64> {
        let met = self.met_seconds + if with_waived { self.waived_seconds } else { 0 };
        ratio(met, self.met_seconds + self.waived_seconds + self.open_seconds + self.unknown_seconds)
    }
}

/// A share with four digits, rounded down: what is not whole is never shown as whole.
#[expect(clippy::cast_precision_loss, reason = "seconds of pairs and counts fit 53 bits")]
pub(super) fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).floor() / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    fn at(seconds: i64) -> Time {
        Time::from_timestamp(seconds, 0).unwrap()
    }

    fn timeline(states: &[(i64, Option<Verdict>)]) -> Timeline {
        let mut timeline = Timeline::new(Period { from: at(100), until: at(200) });
        for (began, state) in states {
            timeline.note(at(*began), *state);
        }
        timeline
    }

    #[test]
    fn time_counts_from_the_state_before_the_period_to_its_end() {
        let line = timeline(&[(20, Some(Verdict::Pass)), (150, Some(Verdict::Fail)), (260, Some(Verdict::Pass))]);
        assert_eq!(line.spans(), Spans { met_seconds: 50, open_seconds: 50, ..Spans::default() });
        assert_eq!(line.spans().share(false), Some(0.5));
        assert_eq!((line.at(at(150)), line.at(at(151))), (Some(Verdict::Pass), Some(Verdict::Fail)));
    }

    #[test]
    fn what_was_not_watched_is_neither_good_nor_bad_time_and_unknown_is_not_good() {
        let unknown = Some(Verdict::Unknown(Cause::Timeout));
        let line = timeline(&[(120, Some(Verdict::Pass)), (140, None), (160, unknown), (180, Some(Verdict::Waived))]);
        assert_eq!(
            line.spans(),
            Spans { met_seconds: 20, unknown_seconds: 20, waived_seconds: 20, ..Spans::default() }
        );
        assert_eq!((line.spans().share(false), line.spans().share(true)), (Some(0.3333), Some(0.6666)));
        assert_eq!(timeline(&[]).spans().share(false), None);
        assert_eq!(timeline(&[(100, Some(Verdict::NotApplicable))]).spans().share(true), None);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_negative_time() {
        let line = timeline(&[(150, Some(Verdict::Pass)), (120, Some(Verdict::Fail)), (90, Some(Verdict::Pass))]);
        assert_eq!(line.spans(), Spans { met_seconds: 100, ..Spans::default() });
    }

    #[test]
    fn what_grew_old_stops_counting() {
        let mut line = timeline(&[(100, Some(Verdict::Pass))]);
        line.expire(at(130), Verdict::Unknown(Cause::Stale));
        assert_eq!(line.spans(), Spans { met_seconds: 30, unknown_seconds: 70, ..Spans::default() });
    }

    #[test]
    fn nearly_all_is_never_shown_as_all() {
        assert_eq!(ratio(99_999, 100_000), Some(0.9999));
        assert_eq!(ratio(0, 0), None);
    }
}
