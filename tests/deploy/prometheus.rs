//! Prometheus's own opinion of its files; `tests/alerts.py` holds the house rules of alerts, such as both of their cases.

use crate::{repository, run};

const RULES: &str = "deploy/prometheus/nis2watch-rules.yml";

#[tokio::test]
async fn promtool_accepts_configuration_and_rules_and_their_cases_hold() {
    for (kind, file) in [("config", "deploy/prometheus/prometheus.yml"), ("rules", RULES)] {
        run("promtool", &["check", kind, repository(file).to_str().unwrap()]).await;
    }
    let cases = std::fs::read_dir(repository("deploy/prometheus/tests")).unwrap().map(|case| case.unwrap().path());
    let cases: Vec<_> = cases.map(|case| case.to_str().unwrap().to_owned()).collect();
    let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(cases.iter().map(String::as_str)).collect();
    assert!(cases.len() > 3, "the cases are gone: {cases:?}");
    run("promtool", &arguments).await;
}

#[tokio::test]
async fn the_house_rules_of_alerts_hold() {
    run("/usr/bin/python3", &[repository("tests/alerts.py").to_str().unwrap()]).await;
}
