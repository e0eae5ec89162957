//! Who counts as heard, silent, or never asked.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::*;
use crate::duties::Book;
use crate::engine::matrix::testing::member;
use crate::feeds::{Lifecycle, Shelf};
use crate::inventory::Zoning;
use crate::model::{CheckId, Kind, Time};

const NOW: &str = "2026-11-23T12:00:00Z";

fn now() -> Time {
    NOW.parse().unwrap()
}

fn id(name: &str) -> AssetId {
    AssetId::parse(name).unwrap()
}

fn latest(rows: &[(&str, &str, Verdict, i64)]) -> Vec<Latest> {
    let one = |(asset, check, verdict, ago): &(&str, &str, Verdict, i64)| Latest {
        asset: id(asset),
        check: CheckId::parse(check).unwrap(),
        verdict: *verdict,
        since: now() - TimeDelta::days(9),
        at: now() - TimeDelta::hours(*ago),
    };
    rows.iter().map(one).collect()
}

fn with<T>(asset: &Asset, compute: impl FnOnce(&Sources<'_>) -> T) -> T {
    let asking: BTreeSet<CheckId> = ["ports", "updates"].map(|check| CheckId::parse(check).unwrap()).into();
    compute(&Sources {
        facts: BTreeMap::new(),
        asked: [].into(),
        asset,
        zoning: &Zoning::default(),
        windows: &[],
        register: None,
        asking: &asking,
        dated: &BTreeSet::new(),
        recall: None,
        book: &Book::default(),
        lifecycle: &Lifecycle::default(),
        carried: &Shelf::default(),
        now: now(),
    })
}

fn device(name: &str) -> Asset {
    Asset::clone(&member(name, "cell1", Kind::Plc, &[502]).asset)
}

fn present(assets: Vec<Asset>, recall: &Recall) -> serde_json::Value {
    let assets: Vec<Arc<Asset>> = assets.into_iter().map(Arc::new).collect();
    let limits = Presence { max_unseen_h: 24, max_intermittent_h: 168 };
    let org = device("plant");
    with(&org, |sources| presence(&limits, &assets, recall, sources)).known().unwrap().to_json()
}

#[test]
fn a_device_that_was_heard_long_ago_is_late_and_one_of_today_is_not() {
    let silence = Verdict::Unknown(Cause::Timeout);
    let recall = Recall {
        latest: latest(&[("a", "ports", Verdict::Pass, 2), ("b", "ports", silence, 0)]),
        heard: [(id("a"), now() - TimeDelta::hours(2)), (id("b"), now() - TimeDelta::hours(30))].into(),
        ..Recall::default()
    };
    let found = present(vec![device("a"), device("b")], &recall);
    assert_eq!(found["late"], serde_json::json!([{"asset": "b", "hours": 30, "heard": true}]));
    assert_eq!(found["assets"], 2);
}

#[test]
fn a_device_that_comes_and_goes_may_be_silent_for_longer() {
    let recall = Recall { heard: [(id("a"), now() - TimeDelta::hours(30))].into(), ..Recall::default() };
    let laptop = Asset { fields: [("intermittent".into(), Value::Bool(true))].into(), ..device("a") };
    assert_eq!(present(vec![laptop], &recall)["late"], serde_json::json!([]));
}

#[test]
fn a_device_that_never_answered_is_late_once_it_was_watched_for_so_long() {
    let silence = Verdict::Unknown(Cause::Timeout);
    let watched = |hours| [(id("a"), now() - TimeDelta::hours(hours))].into();
    let recall = Recall { latest: latest(&[("a", "ports", silence, 0)]), watched: watched(25), ..Recall::default() };
    assert_eq!(
        present(vec![device("a")], &recall)["late"],
        serde_json::json!([{"asset": "a", "hours": 25, "heard": false}])
    );
    let recall = Recall { latest: latest(&[("a", "ports", silence, 0)]), watched: watched(3), ..Recall::default() };
    assert_eq!(present(vec![device("a")], &recall)["late"], serde_json::json!([]));
}

#[test]
fn a_device_of_which_nobody_asks_anything_is_named_and_not_late() {
    let gated = Verdict::Unknown(Cause::Gated);
    // a statement on paper is no answer of the device
    let judged = latest(&[("a", "ports", gated, 0), ("a", "firmware-age", Verdict::Pass, 0)]);
    let found = present(vec![device("a")], &Recall { latest: judged, ..Recall::default() });
    assert_eq!((&found["assets"], &found["unasked"]), (&0.into(), &serde_json::json!(["a"])));
    // a first turn that is still to come is not nobody's asking, a day without one is
    assert_eq!(present(vec![device("a")], &Recall::default())["unasked"], serde_json::json!([]));
    let watched = [(id("a"), now() - TimeDelta::hours(25))].into();
    let found = present(vec![device("a")], &Recall { watched, ..Recall::default() });
    assert_eq!(found["unasked"], serde_json::json!(["a"]));
    let off = Asset { active: false, ..device("a") };
    assert_eq!(present(vec![off], &Recall::default())["unasked"], serde_json::json!([]));
}

fn pair(named: &str, judged: &[(&str, &str, Verdict, i64)]) -> Reading {
    let own = Asset { labels: [("redundant_with".into(), named.into())].into(), ..device("sw-1") };
    with(&own, |sources| partner(&latest(judged), sources))
}

#[test]
fn a_partner_that_was_silent_when_last_asked_is_named() {
    let silence = Verdict::Unknown(Cause::Timeout);
    let judged =
        [("sw-1", "ports", Verdict::Fail, 1), ("sw-2", "updates", Verdict::Pass, 6), ("sw-2", "ports", silence, 1)];
    let found = pair("sw-2", &judged).known().unwrap().to_json();
    assert_eq!(found, serde_json::json!({"partner": "sw-2", "silent": ["sw-2"], "clear": true}));
}

#[test]
fn one_answer_of_a_visit_shows_that_the_partner_lives() {
    let silence = Verdict::Unknown(Cause::Timeout);
    let judged =
        [("sw-1", "ports", Verdict::Pass, 1), ("sw-2", "updates", silence, 1), ("sw-2", "ports", Verdict::Pass, 1)];
    assert_eq!(pair("sw-2", &judged).known().unwrap().to_json()["silent"], serde_json::json!([]));
}

#[test]
fn a_partner_of_which_nothing_is_known_is_neither_alive_nor_dead() {
    let found = pair("sw-2", &[("sw-1", "ports", Verdict::Pass, 1)]).known().unwrap().to_json();
    assert_eq!((&found["silent"], &found["clear"]), (&serde_json::json!([]), &serde_json::Value::Null));
    assert!(pair("sw-1", &[]).known().is_none());
}
