//! Whether the monitor itself keeps up, from what it has judged so far.

use std::collections::{BTreeMap, BTreeSet};

use super::derive::Sources;
use crate::model::{AssetId, Cause, CheckId, Reading, Time, Value, Verdict};
use crate::store::Latest;

/// How many judgements of one check there are, and how many of them were not made in time or ended in a defect.
#[derive(Default)]
struct Tally {
    judged: i64,
    stale: i64,
    broken: i64,
}

/// Fields: `judged`, `stale`, `broken` (numbers of pairs of asset and check), `ratio` of the last two in the first (absent
/// without any), `silent` (checks of which no judgement came in time), `rows` (checks with stale or broken ones) and
/// `newest_age_s`. What stands for the asset itself does not count: it would tell of itself; nor is a check late whose feed is.
pub(super) fn health(sources: &Sources<'_>, latest: &[Latest]) -> Reading {
    tallied(&sources.asset.id, latest, sources.dated, sources.now)
}

fn tallied(own: &AssetId, latest: &[Latest], dated: &BTreeSet<CheckId>, now: Time) -> Reading {
    let mut checks: BTreeMap<&str, Tally> = BTreeMap::new();
    let others = || latest.iter().filter(|one| one.asset != *own);
    for one in others() {
        let tally = checks.entry(one.check.as_str()).or_default();
        tally.judged += 1;
        match one.verdict {
            Verdict::Unknown(Cause::Stale) if !dated.contains(&one.check) => tally.stale += 1,
            Verdict::Unknown(Cause::Internal) => tally.broken += 1,
            _ => {}
        }
    }
    let sum = |count: fn(&Tally) -> i64| checks.values().map(count).sum::<i64>();
    let (judged, stale, broken) = (sum(|one| one.judged), sum(|one| one.stale), sum(|one| one.broken));
    let silent = checks.iter().filter(|(_, one)| one.stale == one.judged).map(|(check, _)| Value::text(*check));
    let lame = checks.iter().filter(|(_, one)| one.stale + one.broken > 0);
    let row = |(check, one): (&&str, &Tally)| {
        let numbers = [("judged", one.judged), ("stale", one.stale), ("broken", one.broken)];
        let numbers = numbers.map(|(name, number)| (name, Value::Int(number)));
        Value::map([("check", Value::text(*check))].into_iter().chain(numbers))
    };
    let mut fields = vec![
        ("judged", Value::Int(judged)),
        ("stale", Value::Int(stale)),
        ("broken", Value::Int(broken)),
        ("silent", Value::list(silent)),
        ("rows", Value::list(lame.map(row))),
    ];
    if let Some(newest) = others().map(|one| one.at).max() {
        #[expect(clippy::cast_precision_loss, reason = "numbers of judgements fit a double")]
        fields.push(("ratio", Value::Float((stale + broken) as f64 / judged as f64)));
        fields.push(("newest_age_s", Value::Int((now - newest).num_seconds().max(0))));
    }
    Reading::Known(Value::map(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(latest: &[(&str, &str, Verdict)]) -> serde_json::Value {
        let now: Time = "2026-11-23T12:00:00Z".parse().unwrap();
        let one = |(asset, check, verdict): &(&str, &str, Verdict)| Latest {
            asset: AssetId::parse(asset).unwrap(),
            check: CheckId::parse(check).unwrap(),
            verdict: *verdict,
            since: now,
            at: now - chrono::TimeDelta::seconds(90),
        };
        let latest: Vec<Latest> = latest.iter().map(one).collect();
        let dated = [CheckId::parse("epss").unwrap()].into();
        tallied(&AssetId::parse("plant").unwrap(), &latest, &dated, now).known().unwrap().to_json()
    }

    #[test]
    fn judgements_that_came_late_or_broke_are_counted_by_check() {
        let stale = Verdict::Unknown(Cause::Stale);
        let found = read(&[
            ("a", "ports", Verdict::Pass),
            ("b", "ports", stale),
            ("a", "updates", stale),
            ("b", "updates", stale),
            ("a", "tls", Verdict::Unknown(Cause::Internal)),
            ("b", "tls", Verdict::Unknown(Cause::Timeout)),
            ("a", "epss", stale),
        ]);
        assert_eq!((&found["judged"], &found["stale"], &found["broken"]), (&7.into(), &3.into(), &1.into()));
        assert_eq!(found["silent"], serde_json::json!(["updates"]));
        assert_eq!(found["rows"][0], serde_json::json!({"check": "ports", "judged": 2, "stale": 1, "broken": 0}));
        assert_eq!((&found["rows"][2]["check"], &found["newest_age_s"]), (&"updates".into(), &90.into()));
    }

    #[test]
    fn without_a_judgement_of_others_there_is_no_ratio() {
        let found = read(&[("plant", "monitoring-deadman", Verdict::Pass)]);
        assert_eq!((&found["judged"], &found["ratio"]), (&0.into(), &serde_json::Value::Null));
    }
}
