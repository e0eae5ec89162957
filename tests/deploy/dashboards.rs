//! The Grafana dashboards: sound in form, and every query names what the daemon exports.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::exported::{Exported, exported, unknown_names};
use crate::{repository, text};

const STATES: [&str; 6] = ["pass", "warn", "fail", "unknown", "waived", "not applicable"];

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
    let exported = exported().await;
    let mut wrong = Vec::new();
    for (file, dashboard) in dashboards() {
        for (place, query, legend) in queries(&dashboard) {
            let unknown = unknown_names(&query, &legend, &exported);
            wrong.extend(unknown.into_iter().map(|name| format!("{file} {place}: {name}")));
        }
    }
    let rules: Value = serde_saphyr::from_str(&text("deploy/prometheus/nis2watch-rules.yml")).unwrap();
    for rule in list(&rules, "groups").iter().flat_map(|group| list(group, "rules")) {
        let unknown = unknown_names(word(rule, "expr"), "", &exported);
        wrong.extend(
            unknown.into_iter().map(|name| format!("rule {}{}: {name}", word(rule, "alert"), word(rule, "record"))),
        );
    }
    wrong.extend(unknown_in_docs(&exported));
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

#[test]
fn a_dashboard_is_portable_and_explains_its_panels() {
    for (file, dashboard) in dashboards() {
        assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 41, "{file}");
        assert_eq!(dashboard["uid"], file.as_str(), "a uid is stable: the name of the file");
        assert!(dashboard["id"].is_null(), "{file} carries an id of one installation");
        let first = &list(&dashboard["templating"], "list")[0];
        assert_eq!((word(first, "name"), word(first, "type")), ("datasource", "datasource"), "{file}");
        let mut ids = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            let title = word(panel, "title");
            assert!(ids.insert(panel["id"].as_u64()) && !title.is_empty(), "{file} {title}");
            if word(panel, "type") == "row" {
                continue;
            }
            assert!(word(panel, "description").len() > 20, "{file} {title} has no description");
            let unit = &panel["fieldConfig"]["defaults"]["unit"];
            assert!(unit.is_string() || matches!(word(panel, "type"), "table" | "state-timeline"), "{file} {title}");
            for source in
                list(panel, "targets").iter().map(|target| &target["datasource"]).chain([&panel["datasource"]])
            {
                assert_eq!(word(source, "uid"), "${datasource}", "{file} {title}");
            }
        }
    }
}

#[test]
fn panels_do_not_lie_on_each_other() {
    for (file, dashboard) in dashboards() {
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= 24, "{file} {}", word(panel, "title"));
            for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(place), "{file} {} at {place:?}", word(panel, "title"));
            }
        }
    }
}

#[test]
fn the_six_states_have_names_and_colours_of_their_own() {
    for (file, dashboard) in dashboards() {
        let panels = list(&dashboard, "panels").iter();
        let shows_states = panels.filter(|panel| word(panel, "type") == "state-timeline").collect::<Vec<_>>();
        assert!(!shows_states.is_empty(), "{file}");
        for panel in shows_states {
            let mapped = &panel["fieldConfig"]["defaults"]["mappings"][0]["options"];
            let names: Vec<_> = (0..6).map(|code| word(&mapped[code.to_string()], "text")).collect();
            assert_eq!(names, STATES, "{file}");
            let colours: BTreeSet<_> = (0..6).map(|code| word(&mapped[code.to_string()], "color")).collect();
            assert_eq!(colours.len(), STATES.len(), "{file}");
        }
    }
}
