//! What changed since an earlier visit: counters that grew, and whether they began anew in between.
//!
//! Pure: earlier samples and the time are passed in. A first visit has nothing to compare with and gets no `change`, so
//! that a check of it is unknown and never a pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::Deserialize;

use crate::model::{FactId, Sample, Time, Value};

/// Numbers are kept at least so long; amounts of the product's own are looked up over as much.
const KEPT: TimeDelta = TimeDelta::days(8);
/// Where a counter of 32 bits begins anew.
const WRAP: i64 = 1 << 32;
/// Hundredths of a second in an hour.
const TICKS_AN_HOUR: i64 = 360_000;
/// A clock of a device is off by this at most, and a fiftieth of the time that has passed.
const SLACK: i64 = 2 * 6_000;

/// `history:` of a fact file: which numbers are kept, and how they are compared with earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Amounts that another fact subtracts.
    #[serde(default)]
    pub keep: Vec<Arc<str>>,
    /// Counters of 32 bits that only grow.
    #[serde(default)]
    pub counters: Vec<Arc<str>>,
    /// The field with the hundredths of a second for which the counters have run.
    #[serde(default)]
    pub uptime: Option<Arc<str>>,
    /// The newest earlier reading of at least this age is compared with, else the oldest.
    #[serde(default = "hour", with = "humantime_serde")]
    pub over: std::time::Duration,
    /// What the product itself caused, as a kept field of another fact.
    #[serde(default)]
    pub less: Option<Less>,
}

const fn hour() -> std::time::Duration {
    std::time::Duration::from_hours(1)
}

/// A kept field of another fact of the same asset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Less {
    /// The fact.
    pub fact: FactId,
    /// Its field.
    pub field: Arc<str>,
}

impl History {
    /// The numbers to keep of a reading; `None` when it has none of them.
    #[must_use]
    pub fn sample(&self, value: &Value, at: Time) -> Option<Sample> {
        let fields = self.keep.iter().chain(&self.counters).chain(&self.uptime);
        let numbers: BTreeMap<_, _> = fields.filter_map(|field| Some((field.clone(), number(value, field)?))).collect();
        (!numbers.is_empty()).then_some(Sample { at, numbers })
    }

    /// How far back samples are needed at a time.
    #[must_use]
    pub fn since(&self, now: Time) -> Time {
        let over = TimeDelta::from_std(self.over).unwrap_or(KEPT);
        now - if self.keep.is_empty() { over } else { KEPT.max(over) }
    }

    /// Adds `change` to a map of numbers: `since`, `hours`, `restarted`, `increase` by counter, their `total`, and `own`, which
    /// is not in the total any more. Nothing is added when there is nothing to compare, or when nothing tells whether the
    /// counters began anew. `earlier` and `own` are oldest first; `own` holds the samples of [`History::less`].
    #[must_use]
    pub fn mark(&self, value: Value, now: Time, earlier: &[Sample], own: &[Sample]) -> Value {
        let change = self.before(now, earlier).and_then(|before| self.change(&value, now, before, own));
        match (value, change) {
            (Value::Map(mut fields), Some(change)) => {
                Arc::make_mut(&mut fields).insert(Arc::from("change"), change);
                Value::Map(fields)
            }
            (value, _) => value,
        }
    }

    fn before<'s>(&self, now: Time, earlier: &'s [Sample]) -> Option<&'s Sample> {
        let limit = self.since(now);
        let past = || earlier.iter().filter(|sample| sample.at < now);
        past().rfind(|sample| sample.at <= limit).or_else(|| past().next())
    }

    fn change(&self, value: &Value, now: Time, before: &Sample, own: &[Sample]) -> Option<Value> {
        let uptime = self.uptime.as_ref()?;
        let ran = ticks(now - before.at)?;
        let has_run = has_run_on(*before.numbers.get(uptime)?, number(value, uptime)?, ran);
        let grown = |name: &Arc<str>| Some((name.clone(), *before.numbers.get(name)?, number(value, name)?));
        let counters: Vec<_> = self.counters.iter().filter_map(grown).collect();
        // a counter that fell was cleared; what it counted before that is lost
        let restarted = !has_run || counters.iter().any(|(_, before, now)| fell(*before, *now));
        let step = |before: i64, now: i64| if restarted { now } else { (now - before).rem_euclid(WRAP) };
        let increase = counters.iter().map(|(name, before, now)| (name.clone(), step(*before, *now)));
        let increase: BTreeMap<Arc<str>, i64> = increase.collect();
        let own = self.own(before.at, now, own);
        let mut fields = vec![
            ("since", Value::text(before.at.to_rfc3339())),
            ("hours", hours(ran)),
            ("restarted", Value::Bool(restarted)),
        ];
        if !increase.is_empty() {
            let total: i64 = increase.values().fold(0, |sum, step| sum.saturating_add(*step));
            fields.push(("total", Value::Int((total - own).max(0))));
            fields.push(("own", Value::Int(own)));
            fields.push(("increase", Value::map(increase.into_iter().map(|(name, step)| (name, Value::Int(step))))));
        }
        Some(Value::map(fields))
    }

    fn own(&self, from: Time, until: Time, own: &[Sample]) -> i64 {
        let Some(Less { field, .. }) = &self.less else { return 0 };
        let between = own.iter().filter(|sample| sample.at >= from && sample.at < until);
        between
            .filter_map(|sample| sample.numbers.get(field))
            .fold(0, |sum, number| sum.saturating_add((*number).max(0)))
    }
}

fn number(value: &Value, field: &str) -> Option<i64> {
    value.at(field).and_then(Value::as_int).filter(|number| (0..WRAP).contains(number))
}

fn ticks(span: TimeDelta) -> Option<i64> {
    Some(span.num_milliseconds() / 10).filter(|ticks| *ticks >= 0)
}

#[expect(clippy::cast_precision_loss, reason = "hours of a plant's life fit a double")]
fn hours(ticks: i64) -> Value {
    // tenths, rounded down: a quiet device answers the same at each visit
    Value::Float((ticks as f64 / TICKS_AN_HOUR as f64 * 10.0).floor() / 10.0)
}

/// Whether a clock of hundredths that wraps every 497 days ran on, as far as clocks agree.
fn has_run_on(before: i64, now: i64, ran: i64) -> bool {
    let apart = (now - before - ran).rem_euclid(WRAP);
    apart.min(WRAP - apart) <= SLACK + ran / 50
}

/// Whether a counter is lower than before by more than a wrap explains.
fn fell(before: i64, now: i64) -> bool {
    now < before && before - now < WRAP / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTH: &str = "{counters: [bad, wrong], uptime: up, over: 1h, less: {fact: snmp.versions, field: sent}}";

    fn at(minutes: i64) -> Time {
        "2026-11-23T12:00:00Z".parse::<Time>().unwrap() + TimeDelta::minutes(minutes)
    }

    fn sample(minutes: i64, numbers: &[(&str, i64)]) -> Sample {
        Sample { at: at(minutes), numbers: numbers.iter().map(|(name, number)| (Arc::from(*name), *number)).collect() }
    }

    /// What `change` says at minute 0 for these numbers, in the order total, restarted, hours.
    fn change(now: &str, earlier: &[Sample], own: &[Sample]) -> serde_json::Value {
        let history: History = serde_saphyr::from_str(AUTH).unwrap();
        history.mark(serde_json::from_str(now).unwrap(), at(0), earlier, own).to_json()["change"].clone()
    }

    #[test]
    fn counters_are_compared_with_a_reading_of_an_hour_ago() {
        let earlier = [
            sample(-130, &[("up", 2_000_000), ("bad", 0), ("wrong", 0)]),
            sample(-65, &[("up", 2_390_000), ("bad", 5), ("wrong", 1)]),
            sample(-5, &[("up", 2_750_000), ("bad", 7), ("wrong", 1)]),
        ];
        let change = change(r#"{"up": 2780000, "bad": 9, "wrong": 2}"#, &earlier, &[]);
        assert_eq!(change["increase"], serde_json::json!({"bad": 4, "wrong": 1}));
        assert_eq!((&change["total"], &change["restarted"]), (&5.into(), &false.into()));
        assert_eq!(change["since"], "2026-11-23T10:55:00+00:00");
    }

    #[test]
    fn what_the_product_itself_caused_is_not_counted() {
        let earlier = [sample(-60, &[("up", 1_000_000), ("bad", 0), ("wrong", 0)])];
        let own = [
            sample(-90, &[("sent", 4)]),
            sample(-60, &[("sent", 4)]),
            sample(-1, &[("sent", 4)]),
            sample(0, &[("sent", 4)]),
        ];
        let change = change(r#"{"up": 1360000, "bad": 9, "wrong": 0}"#, &earlier, &own);
        assert_eq!((&change["total"], &change["own"]), (&1.into(), &8.into()), "{change}");
    }

    #[test]
    fn a_first_visit_has_no_change() {
        let now = r#"{"up": 1, "bad": 9, "wrong": 0}"#;
        assert_eq!(change(now, &[], &[]), serde_json::Value::Null);
        assert_eq!(
            change(now, &[sample(0, &[("up", 1), ("bad", 1)])], &[]),
            serde_json::Value::Null,
            "this same reading"
        );
        assert_eq!(change(r#"{"bad": 9}"#, &[sample(-60, &[("up", 1), ("bad", 1)])], &[]), serde_json::Value::Null);
        assert_eq!(change(now, &[sample(-60, &[("bad", 1)])], &[]), serde_json::Value::Null, "no uptime then");
    }

    #[test]
    fn a_restart_in_between_is_told_from_a_wrapped_clock() {
        let earlier = |up| [sample(-60, &[("up", up), ("bad", 100), ("wrong", 0)])];
        let restarted = |up, now| {
            change(&format!(r#"{{"up": {now}, "bad": 101, "wrong": 0}}"#), &earlier(up), &[])["restarted"].clone()
        };
        assert_eq!(restarted(1_000_000, 1_360_000), false);
        assert_eq!(restarted(1_000_000, 1_363_000), false, "clocks never agree to the second");
        assert_eq!(restarted(1_000_000, 350_000), true);
        assert_eq!(restarted(20_000, 340_000), true, "a restart shortly after a restart");
        assert_eq!(restarted(WRAP - 100_000, 260_000), false, "497 days");
        assert_eq!(restarted(WRAP - 100_000, 100_000), true);
    }

    #[test]
    fn counters_that_began_anew_say_at_least_what_they_show() {
        let earlier = [sample(-60, &[("up", 1_000_000), ("bad", 100), ("wrong", 7)])];
        let change = change(r#"{"up": 1360000, "bad": 3, "wrong": 7}"#, &earlier, &[]);
        assert_eq!((&change["restarted"], &change["total"]), (&true.into(), &10.into()), "cleared by hand");
        let earlier = [sample(-60, &[("up", 1_000_000), ("bad", WRAP - 2), ("wrong", 7)])];
        let change = super::tests::change(r#"{"up": 1360000, "bad": 3, "wrong": 7}"#, &earlier, &[]);
        assert_eq!((&change["restarted"], &change["total"]), (&false.into(), &5.into()), "wrapped");
    }

    #[test]
    fn numbers_that_no_agent_can_have_are_not_kept() {
        let history: History = serde_saphyr::from_str(AUTH).unwrap();
        let value: Value = serde_json::from_str(r#"{"up": -1, "bad": 4294967296, "wrong": "7"}"#).unwrap();
        assert_eq!(history.sample(&value, at(0)), None);
        assert_eq!(history.sample(&Value::Null, at(0)), None);
        let value: Value = serde_json::from_str(r#"{"up": 5, "other": 1}"#).unwrap();
        assert_eq!(history.sample(&value, at(0)), Some(sample(0, &[("up", 5)])));
    }
}
