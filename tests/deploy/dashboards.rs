//! The Grafana dashboards and the rules: every query names what the daemon exports, or what the contract says that it will.
//!
//! `tests/dashboards/check.py` holds the form of dashboards, and `tests/dashboards.sh` asks their queries of a real Prometheus.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::exported::{ALERTS, Exported, exported, labels_of, unknown_names};
use crate::{repository, run, text};

/// Each dashboard with the name of its file, without extension.
fn dashboards() -> Vec<(String, Value)> {
    let files = std::fs::read_dir(repository("dashboards")).unwrap().map(|file| file.unwrap().path());
    let read = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
    };
    files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).map(read).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Every query with where it stands and its legend.
fn queries(dashboard: &Value) -> Vec<(String, String, String)> {
    let panels = list(dashboard, "panels").iter().flat_map(|panel| {
        let title = word(panel, "title");
        list(panel, "targets").iter().map(move |target| {
            (format!("panel {title:?}"), word(target, "expr").to_owned(), word(target, "legendFormat").to_owned())
        })
    });
    let variables = list(&dashboard["templating"], "list").iter().filter_map(|variable| {
        let query = variable["query"]["query"].as_str()?;
        // label_values(series, label) is the same demand as a query by that label
        let (series, label) = query.strip_prefix("label_values(")?.strip_suffix(')')?.rsplit_once(',')?;
        Some((
            format!("variable {}", word(variable, "name")),
            format!("count by ({}) ({series})", label.trim()),
            String::new(),
        ))
    });
    panels.chain(variables).collect()
}

#[tokio::test]
async fn dashboards_rules_and_docs_name_only_what_the_daemon_exports() {
    let mut known = exported().await;
    let mut wrong = Vec::new();
    let contract: Exported = serde_saphyr::from_str(&text("tests/deploy/contract.yaml")).unwrap();
    for (name, labels) in contract {
        if known.insert(name.clone(), labels).is_some() {
            wrong.push(format!("tests/deploy/contract.yaml: {name} is exported by now"));
        }
    }
    let rules: Value = serde_saphyr::from_str(&text("deploy/prometheus/nis2watch-rules.yml")).unwrap();
    for rule in list(&rules, "groups").iter().flat_map(|group| list(group, "rules")) {
        let (expr, name) = (word(rule, "expr"), word(rule, "record"));
        // a recorded name has no more labels than what it is made of; one may be made of its own past
        if !name.is_empty() {
            let labels = labels_of(expr, &known);
            known.insert(name.to_owned(), labels);
        }
        let unknown = unknown_names(expr, "", &known);
        wrong.extend(unknown.into_iter().map(|unknown| format!("rule {}{name}: {unknown}", word(rule, "alert"))));
    }
    known.insert(ALERTS.to_owned(), ["alertname", "alertstate", "severity"].map(str::to_owned).into());
    for (file, dashboard) in dashboards() {
        for (place, query, legend) in queries(&dashboard) {
            let unknown = unknown_names(&query, &legend, &known);
            wrong.extend(unknown.into_iter().map(|name| format!("{file} {place}: {name}")));
        }
    }
    wrong.extend(unknown_in_docs(&known));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Metrics that the operations page speaks of in backticks.
fn unknown_in_docs(exported: &Exported) -> Vec<String> {
    let page = text("docs/operations.md");
    let quoted = page.split('`').skip(1).step_by(2).filter(|text| text.starts_with("nis2watch_"));
    let names: BTreeSet<_> = quoted.map(|text| text.split('{').next().unwrap_or_default()).collect();
    let unknown = names.into_iter().filter(|name| !exported.contains_key(*name));
    unknown.map(|name| format!("docs/operations.md: {name}")).collect()
}

#[tokio::test]
async fn dashboards_are_those_that_are_generated_and_their_form_is_sound() {
    for arguments in [["dashboards/generate.py", "--check"], ["tests/dashboards/check.py", "form"]] {
        run("/usr/bin/python3", &[repository(arguments[0]).to_str().unwrap(), arguments[1]]).await;
    }
}
