//! The API as its description promises it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use serde_json::Value;

use super::{OPENAPI, routes};
use crate::api::WebConfig;
use crate::api::tests::{Daemon, Setup};
use crate::catalog::Catalog;
use crate::engine::{Cadence, Plan, Schedules, testing};
use crate::model::{AssetId, Cause, CheckResult, Evidence, Judgement, Verdict};
use crate::store::{Act, Store as _};

pub(in crate::api) struct Hourly;

impl Schedules for Hourly {
    fn cadence(&self, _: &str, _: bool) -> Option<Arc<Cadence>> {
        Some(Arc::new(Cadence::Every(std::time::Duration::from_hours(1))))
    }
}

/// A plant of which every second pair fails and some are unknown; the first pair drifted.
pub(in crate::api) async fn plant(web_config: &WebConfig) -> Setup {
    let catalog = Arc::new(Catalog::load(true, &[]).unwrap());
    let plan = Arc::new(Plan::new(&catalog, &testing::inventory(), &Hourly));
    let setup = Setup::new(Daemon { plan: Arc::clone(&plan), catalog, ..Daemon::default() }, "127.0.0.1", web_config);
    let before = Utc::now() - TimeDelta::hours(2);
    let mut results = Vec::new();
    for planned in &plan.assets {
        for (at, one) in planned.checks.iter().enumerate() {
            let verdict = [Verdict::Fail, Verdict::Pass, Verdict::Unknown(Cause::Timeout), Verdict::Pass][at % 4];
            results.push(CheckResult {
                asset: planned.member.asset.id.clone(),
                zone: planned.member.asset.zone.clone(),
                check: one.check.id.clone(),
                check_version: one.check.version,
                severity: one.check.severity,
                controls: one.check.controls.clone(),
                judgement: Judgement { verdict, ..Judgement::unknown(Cause::Timeout, "as it was found") },
                evidence: Evidence::default(),
                at: before,
                duration_ms: 3,
            });
        }
    }
    let mut drifted = results[1].clone();
    setup.store.record(results).await.unwrap();
    drifted.at = before + TimeDelta::hours(1);
    drifted.judgement = Judgement { verdict: Verdict::Fail, reason: "it changed".into(), ..drifted.judgement };
    for change in setup.store.record(vec![drifted]).await.unwrap() {
        setup.board.changed(&change);
    }
    let (latest, visits) = (setup.store.latest().await.unwrap(), setup.store.last_visits().await.unwrap());
    setup.board.replace(&plan, &latest, &visits);
    setup
}

/// Judges the first pair of a check anew and shows it.
pub(in crate::api) async fn judge(setup: &Setup, check: &str, judgement: Judgement, evidence: Evidence) -> AssetId {
    let plan = &setup.daemon.plan;
    let (planned, one) = plan
        .assets
        .iter()
        .find_map(|planned| Some((planned, &planned.checks[usize::from(planned.check(check)?)])))
        .unwrap_or_else(|| panic!("nobody has {check}"));
    let result = CheckResult {
        asset: planned.member.asset.id.clone(),
        zone: planned.member.asset.zone.clone(),
        check: one.check.id.clone(),
        check_version: one.check.version,
        severity: one.check.severity,
        controls: one.check.controls.clone(),
        judgement,
        evidence,
        at: Utc::now(),
        duration_ms: 3,
    };
    setup.store.record(vec![result]).await.unwrap();
    let (latest, visits) = (setup.store.latest().await.unwrap(), setup.store.last_visits().await.unwrap());
    setup.board.replace(plan, &latest, &visits);
    planned.member.asset.id.clone()
}

pub(in crate::api) async fn get(setup: &Setup, path: &str) -> (StatusCode, Value) {
    let (status, text) = setup.send("GET", &format!("/api/v1{path}"), &[]).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
}

/// Holds a value against a schema: types, words of closed sets, required keys, all the way down.
fn holds(value: &Value, schema: &Value, all: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return holds(value, &all["components"]["schemas"][name], all, &format!("{place} {name}"));
    }
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{place}: type {other}"),
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    assert!(types.iter().any(|name| is(name)), "{place} is no {types:?}: {value}");
    if let (Some(words), Some(word)) = (schema["enum"].as_array(), value.as_str()) {
        assert!(words.iter().any(|known| known == word), "{place}: {word}");
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(value.is_null() || value.get(key).is_some(), "{place} lacks {key}: {value}");
    }
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(found) = value.get(key) {
            holds(found, inner, all, &format!("{place}.{key}"));
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        holds(item, &schema["items"], all, &format!("{place}[{at}]"));
    }
}

#[test]
fn the_description_and_the_routes_are_the_same() {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    let described: BTreeSet<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let served: BTreeSet<&str> = routes().into_iter().map(|(path, _)| path).collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn a_route_does_what_is_described_and_nothing_else() {
    let setup = plant(&WebConfig::default()).await;
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let named = path.replace(['{', '}'], "");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let (status, text) = setup.send(method, &format!("/api/v1{named}"), &[]).await;
            let is_there = methods.get(method.to_lowercase()).is_some();
            assert_eq!(status != StatusCode::METHOD_NOT_ALLOWED, is_there, "{method} {path}: {text}");
            if is_there && method == "POST" {
                assert_eq!(status, StatusCode::FORBIDDEN, "{path} was open to everybody");
            }
        }
    }
}

#[tokio::test]
async fn every_described_resource_answers_as_described() {
    let setup = plant(&WebConfig::default()).await;
    let act = Act {
        kind: "test".into(),
        subject: "plant".into(),
        actor: "p-1".into(),
        reason: "a record".into(),
        body: "{}".into(),
        at: Utc::now(),
    };
    setup.store.act(act).await.unwrap();
    let planned = setup.daemon.plan.assets.iter().find(|planned| planned.checks.len() > 3).unwrap();
    let (asset, check) = (&planned.member.asset.id, &planned.checks[0].check.id);
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let Some(described) = methods.get("get") else { continue };
        let named = path.replace("{asset}", asset.as_str()).replace("{check}", check.as_str());
        let (status, answer) = get(&setup, &named).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        let schema = &described["responses"]["200"]["content"]["application/json"]["schema"];
        holds(&answer, schema, &description, path);
        for parameter in described["parameters"].as_array().unwrap() {
            if parameter["in"] == "query" && parameter["name"] == "limit" {
                let (status, answer) = get(&setup, &format!("{named}?limit=1")).await;
                assert_eq!(status, StatusCode::OK, "{path}: {answer}");
            }
        }
        let (status, answer) = get(&setup, &format!("{named}?colour=red")).await;
        assert_eq!(
            (status, answer["error"]["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("unknown_parameter")),
            "{path}"
        );
        holds(&answer, &description["components"]["schemas"]["Error"], &description, path);
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_done_have_codes() {
    let setup = plant(&WebConfig::default()).await;
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("GET", "/api/v1", 404, "not_found"),
        ("GET", "/api/v1x", 404, "not_found"),
        ("POST", "/api/v2/results", 404, "not_found"),
        ("GET", "/assets/%ff", 400, "invalid_value"),
        ("GET", "/results/%ff/x", 400, "invalid_value"),
        ("GET", "/assets/nobody", 404, "not_found"),
        ("GET", "/checks/nothing", 404, "not_found"),
        ("GET", "/results/nobody/nothing", 404, "not_found"),
        ("DELETE", "/assets", 405, "method_not_allowed"),
        ("POST", "/results", 405, "method_not_allowed"),
        ("GET", "/results?state=fial", 400, "invalid_value"),
        ("GET", "/results?asset=nobody", 400, "invalid_value"),
        ("GET", "/results?zone=nowhere", 400, "invalid_value"),
        ("GET", "/results?check=nothing", 400, "invalid_value"),
        ("GET", "/results?sort=colour", 400, "invalid_value"),
        ("GET", "/results?limit=1001", 400, "invalid_value"),
        ("GET", "/results?offset=x", 400, "invalid_value"),
        ("GET", "/advisories?exploited=perhaps", 400, "invalid_value"),
        ("GET", "/gate?asset=nobody", 400, "invalid_value"),
        ("GET", "/transitions?from=yesterday", 400, "invalid_value"),
    ] {
        let path = if path.starts_with("/api") { path.to_owned() } else { format!("/api/v1{path}") };
        let (answered, text) = setup.send(method, &path, &[]).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        holds(&answer, &description["components"]["schemas"]["Error"], &description, &path);
        assert_eq!((answered.as_u16(), answer["error"]["code"].as_str()), (status, Some(code)), "{method} {path}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(!message.contains("invalid") && !message.contains("provided string"), "{message}");
    }
}

#[tokio::test]
async fn results_are_filtered_sorted_and_paged_without_gaps() {
    let setup = plant(&WebConfig::default()).await;
    let (_, all) = get(&setup, "/results?limit=1000&sort=-severity").await;
    let total = all["total"].as_u64().unwrap();
    assert_eq!(total, setup.daemon.plan.pairs().len() as u64);
    let (_, fails) = get(&setup, "/results?state=fail&limit=1000").await;
    assert!(fails["results"].as_array().unwrap().iter().all(|one| one["state"] == "fail" && one["reason"].is_string()));
    assert!(fails["total"].as_u64().unwrap() < total);
    let (mut seen, mut offset) = (Vec::new(), Some(0));
    while let Some(at) = offset {
        let (_, page) = get(&setup, &format!("/results?limit=7&sort=-severity&offset={at}")).await;
        seen.extend(page["results"].as_array().unwrap().iter().cloned());
        offset = page["next"].as_u64();
    }
    assert_eq!(seen, all["results"].as_array().unwrap()[..].to_vec());
}

#[tokio::test]
async fn changes_are_read_page_by_page_along_the_chain() {
    let setup = plant(&WebConfig::default()).await;
    let (_, first) = get(&setup, "/transitions?limit=2").await;
    let drift = &first["transitions"][0];
    assert_eq!(
        (drift["from"].as_str(), drift["to"].as_str(), drift["drift"].as_bool()),
        (Some("pass"), Some("fail"), Some(true))
    );
    let (_, second) = get(&setup, &format!("/transitions?limit=2&before={}", first["next"])).await;
    assert!(second["transitions"][0]["seq"].as_u64() < first["transitions"][1]["seq"].as_u64());
    let (_, since) = get(&setup, "/transitions?severity=info&state=fail&until=2000-01-01T00:00:00Z").await;
    assert!(since["transitions"].as_array().unwrap().is_empty());
    let path = format!("/results/{}/{}/evidence", drift["asset"].as_str().unwrap(), drift["check"].as_str().unwrap());
    let (_, history) = get(&setup, &path).await;
    let states: Vec<_> = history["judgements"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["fail", "pass"]);
}

#[tokio::test]
async fn one_book_and_one_plan_are_had_by_the_name_of_the_asset() {
    let setup = plant(&WebConfig::default()).await;
    let asset = &setup.daemon.plan.assets[1].member.asset.id;
    for (resource, list) in [("/gate", "assets"), ("/plan", "plan")] {
        let (status, answer) = get(&setup, &format!("{resource}?asset={asset}")).await;
        assert_eq!((status, answer["total"].as_u64()), (StatusCode::OK, Some(1)), "{answer}");
        assert_eq!(answer[list][0]["asset"], asset.as_str(), "{answer}");
    }
}
