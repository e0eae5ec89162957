//! Prometheus's own opinion of its files, and that no alert goes without both of its cases.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::process::Command;

use crate::{repository, run, text};

const RULES: &str = "deploy/prometheus/nis2watch-rules.yml";
const CASES: &str = "deploy/prometheus/nis2watch-rules_test.yml";

#[tokio::test]
async fn promtool_accepts_configuration_and_rules_and_their_cases_hold() {
    for (kind, file) in [("config", "deploy/prometheus/prometheus.yml"), ("rules", RULES)] {
        run("promtool", &["check", kind, repository(file).to_str().unwrap()]).await;
    }
    let mut test = Command::new("promtool");
    let output = test.args(["test", "rules"]).arg(repository(CASES)).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Every alert of the rules, by name.
fn alerts() -> BTreeSet<String> {
    let rules: Value = serde_saphyr::from_str(&text(RULES)).unwrap();
    let groups = rules["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    rules.filter_map(|rule| Some(rule["alert"].as_str()?.to_owned())).collect()
}

#[test]
fn every_alert_has_a_case_that_fires_and_the_quiet_plant_raises_none() {
    let cases: Value = serde_saphyr::from_str(&text(CASES)).unwrap();
    let mut fires = BTreeSet::new();
    let mut quiet = false;
    for case in cases["tests"].as_array().unwrap() {
        for one in case["alert_rule_test"].as_array().into_iter().flatten() {
            if !one["exp_alerts"].as_array().unwrap().is_empty() {
                fires.insert(one["alertname"].as_str().unwrap().to_owned());
            }
        }
        for one in case["promql_expr_test"].as_array().into_iter().flatten() {
            let (expr, samples) = (one["expr"].as_str().unwrap(), one["exp_samples"].as_array().unwrap());
            quiet |= expr == "ALERTS{alertstate=\"firing\"}" && samples.is_empty();
            let labels = samples.iter().map(|sample| sample["labels"].as_str().unwrap());
            // a query that names the alert, or its answer: but only where there is one
            let said: Vec<&str> = labels.chain((!samples.is_empty()).then_some(expr)).collect();
            let names = |alert: &String| said.iter().any(|text| text.contains(&format!("alertname=\"{alert}\"")));
            fires.extend(alerts().into_iter().filter(names));
        }
    }
    assert_eq!(fires, alerts());
    assert!(quiet, "one case must expect no alert at all");
}

#[test]
fn every_alert_says_what_is_wrong_and_what_to_do() {
    let rules: Value = serde_saphyr::from_str(&text(RULES)).unwrap();
    for rule in rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        if let Some(alert) = rule["alert"].as_str() {
            assert!(["critical", "warning", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{alert}");
            for text in ["summary", "description"] {
                assert!(rule["annotations"][text].as_str().is_some_and(|text| text.len() > 15), "{alert} {text}");
            }
        }
    }
}
