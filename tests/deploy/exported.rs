//! What a running daemon really exports: metrics by name, with the labels that they carry.
//!
//! Queries of dashboards and rules are held against it, so that neither can name what does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::run;

/// Names of metrics with their labels.
pub(crate) type Exported = BTreeMap<String, BTreeSet<String>>;

const CONFIG: &str = "
site: aarhus
inventory: [assets.yaml]
store: { path: store.db }
zones: [{ id: office, role: it }]
ledger: { anchor: { file: heads } }
api: { external_url: 'https://watch.example.net' }
duties: { attestations: [attestations.yaml], waivers: [waivers.yaml] }
notify: [{ name: nobody, webhook: { url: 'http://127.0.0.1:9/' } }]
schedules: { posture: { every: 1s }, exposure: { every: 1s }, certificates: { every: 1s }, derived: { every: 1s } }
";
/// One that answers from a recording, and one whose gate sees packets: this machine.
const ASSETS: &str = "
- id: recorded-01
  zone: office
  kind: linux-host
  access: { replay: recorded.yaml }
- id: here-01
  address: 127.0.0.1
  zone: office
  kind: linux-host
  vendor: ExampleSoft
  product: Historian
  version: '5'
  owner: ot-team
  limits: { gap: 0s, at_once: 32, per_hour: 100000 }
";
/// What is for a finding: a fail.
const RECORDED: &str =
    "facts: { linux.sshd: { stdout: \"permitrootlogin yes\\n\" }, linux.shadow: { error: privilege } }\n";
const WAIVERS: &str = "
schema_version: 1
waivers:
- id: w-1
  match: { check: session-timeout, asset: recorded-01 }
  reason: It is replaced in spring.
  owner: office-it
  approved_by: { person: p-1, role: plant-manager }
  starts_at: START
  expires_at: END
  compensating_measure: It stands alone.
";
const ATTESTATIONS: &str = "
schema_version: 1
attestations:
- id: a-1
  check: attest-management-approval
  subject: org
  statement: The management body approved the measures.
  signed_by: { person: p-1, role: managing-director }
  signed_at: START
  valid_days: 365
  result: confirmed
  evidence: [{ name: minutes.pdf, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 }]
";
/// Families that have no sample before something has happened.
const LATE: [&str; 6] = [
    "nis2watch_check_pass",
    "nis2watch_check_finding_since_timestamp_seconds",
    "nis2watch_gate_refused_total",
    "nis2watch_transitions_total",
    "nis2watch_asset_last_visit_timestamp_seconds",
    "nis2watch_scrapes_total",
];

/// Starts a daemon, lets it make its first visits, and reads its metrics.
pub(crate) async fn exported() -> Exported {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let day = |days| (chrono::Utc::now() + chrono::TimeDelta::days(days)).format("%Y-%m-%dT00:00:00Z").to_string();
    let dated = |text: &str| text.replace("START", &day(-1)).replace("END", &day(30));
    let files = [("nis2watch.yaml", CONFIG), ("assets.yaml", ASSETS), ("recorded.yaml", RECORDED)];
    for (name, text) in files.into_iter().chain([("waivers.yaml", WAIVERS), ("attestations.yaml", ATTESTATIONS)]) {
        std::fs::write(path(name), dated(text)).unwrap();
    }
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_nis2watch"));
    daemon.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(path("nis2watch.yaml"));
    let mut daemon = daemon.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines();
    let url = loop {
        let line = log.next_line().await.unwrap().expect("the daemon ended before it watched");
        if let Some((_, rest)) = line.split_once("address=") {
            break format!("http://{}/metrics", rest.split_whitespace().next().unwrap());
        }
    };
    // drained, so that the daemon never waits for its log
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    let first_visits = async {
        loop {
            let read = parse(&run("curl", &["-fsS", &url]).await);
            if LATE.iter().all(|name| read.contains_key(*name)) {
                return read;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), first_visits).await.expect("the first visits never came")
}

fn parse(text: &str) -> Exported {
    let mut all = Exported::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = all.entry(name.to_owned()).or_default();
        if let Some(inside) = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')) {
            labels.extend(words(&blank_texts(inside.0)).into_iter().map(str::to_owned));
        }
    }
    all
}

/// Labels that Prometheus itself adds.
const ADDED: [&str; 2] = ["job", "instance"];
/// Words before a list of labels.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The series that Prometheus makes of alerts.
pub(crate) const ALERTS: &str = "ALERTS";

/// Whether a word of a query is the name of a metric that should be known.
fn is_ours(word: &&str) -> bool {
    word.starts_with("nis2watch_") || word.starts_with("process_") || word.contains(':') || *word == ALERTS
}

/// All labels of the metrics that a query names.
pub(crate) fn labels_of(query: &str, exported: &Exported) -> BTreeSet<String> {
    let query = blank_texts(query);
    let metrics = words(&query).into_iter().filter(is_ours).filter_map(|metric| exported.get(metric));
    metrics.flatten().cloned().collect()
}

/// What a query names although it is not exported; `legend` is held against the labels too.
pub(crate) fn unknown_names(query: &str, legend: &str, exported: &Exported) -> Vec<String> {
    let query = blank_texts(query);
    let mut unknown = Vec::new();
    let mut known: BTreeSet<&str> = ADDED.into_iter().collect();
    for metric in words(&query).into_iter().filter(is_ours) {
        match exported.get(metric) {
            Some(labels) => known.extend(labels.iter().map(String::as_str)),
            None => unknown.push(metric.to_owned()),
        }
    }
    let mut demand = |labels: &str| {
        unknown.extend(words(labels).into_iter().filter(|label| !known.contains(label)).map(str::to_owned));
    };
    query.split('{').skip(1).for_each(|rest| demand(rest.split('}').next().unwrap_or_default()));
    for grouping in GROUPINGS {
        for rest in query.split(&format!("{grouping} (")).skip(1) {
            demand(rest.split(')').next().unwrap_or_default());
        }
    }
    legend.split("{{").skip(1).for_each(|rest| demand(rest.split("}}").next().unwrap_or_default()));
    unknown
}

/// Empties the texts between quotes, so that what is left are names and signs.
fn blank_texts(query: &str) -> String {
    let mut inside = false;
    let mut escaped = false;
    query.chars().fold(String::new(), |mut text, c| {
        match (c, inside) {
            ('"', true) if !escaped => inside = false,
            ('"', false) => inside = true,
            (_, true) => {}
            (c, false) => text.push(c),
        }
        escaped = c == '\\' && inside && !escaped;
        text
    })
}

fn words(text: &str) -> Vec<&str> {
    let separators = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':' && c != '$';
    let starts_as_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_alphabetic());
    text.split(separators).filter(starts_as_name).collect()
}

#[test]
fn a_query_that_names_what_is_not_exported_is_found_out() {
    let exported = parse("nis2watch_a{zone=\"x\",text=\"{y}\"} 1\nnis2watch_b 2\n");
    let unknown = |query, legend| unknown_names(query, legend, &exported);
    assert!(unknown("sum by (zone, job) (nis2watch_a{text=~\"nis2watch_c\"}) + nis2watch_b", "{{zone}}").is_empty());
    assert_eq!(unknown("nis2watch_a{zon=\"x\"} / nis2watch_c", ""), ["nis2watch_c", "zon"]);
    assert_eq!(unknown("count by (zone) (nis2watch_b)", "{{text}}"), ["zone", "text"]);
}
