//! Reports from the outside: a plant of paper and recordings, its store, and what each format says of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

const FORMATS: [&str; 8] = ["html", "csv", "json", "junit", "sarif", "ocsf", "oscal", "markdown"];
/// No tool can say so, and no report does.
const FORBIDDEN: [&str; 5] =
    ["nis2 compliant", "nis2-compliant", "nis 2 compliant", "fully compliant", "compliant with"];
/// What a device or a person might write.
const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>|=cmd()";

const CONFIG: &str = "
site: \"<b>aarhus</b>\"
inventory: [assets.yaml]
store: { path: n.db }
zones: [{ id: office, role: it }]
duties: { waivers: [waivers.yaml], attestations: [attestations.yaml], incidents: [incidents.yaml] }
";
const ASSETS: &str = "
- id: recorded-01
  zone: office
  kind: linux-host
  access: { replay: recorded.yaml }
- id: recorded-02
  zone: office
  kind: linux-host
  access: { replay: other.yaml }
";

/// A plant that sends nothing anywhere.
struct Plant(tempfile::TempDir);

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Plant {
    fn new() -> Self {
        let plant = Self(tempfile::tempdir().unwrap());
        plant.write("nis2watch.yaml", CONFIG);
        plant.write("assets.yaml", ASSETS);
        plant.root_login("no");
        plant.write("other.yaml", &recorded("yes"));
        let ago = |days| (Utc::now() - TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true);
        let hostile = Value::from(HOSTILE);
        plant.write(
            "waivers.yaml",
            &format!(
                "schema_version: 1\nwaivers:\n  - id: w-1\n    match: {{ check: ssh-root-login, asset: recorded-02 }}\n    \
                 reason: {hostile}\n    approved_by: {{ person: {hostile}, role: chief }}\n    owner: ot\n    \
                 starts_at: {}\n    expires_at: {}\n    compensating_measure: {hostile}\n",
                ago(10),
                ago(-10)
            ),
        );
        plant.write(
            "attestations.yaml",
            &format!(
                "schema_version: 1\nattestations:\n  - id: att-1\n    check: attest-network-plan\n    subject: org\n    \
                 statement: {hostile}\n    signed_by: {{ person: p-1, role: ciso }}\n    signed_at: {}\n    valid_days: 365\n    \
                 result: confirmed\n",
                ago(3)
            ),
        );
        plant.write(
            "incidents.yaml",
            &format!(
                "schema_version: 1\nincidents:\n  - id: inc-1\n    title: {hostile}\n    aware_at: {}\n    significant: \"yes\"\n",
                ago(2)
            ),
        );
        plant
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn root_login(&self, answer: &str) {
        self.write("recorded.yaml", &recorded(answer));
    }

    async fn run(&self, words: &[&str]) -> Said {
        let done = tokio::process::Command::new(env!("CARGO_BIN_EXE_nis2watch"))
            .args(words)
            .arg("--config")
            .arg(self.path("nis2watch.yaml"))
            .current_dir(self.0.path())
            .kill_on_drop(true)
            .output();
        let done = tokio::time::timeout(Duration::from_mins(1), done).await.unwrap().unwrap();
        Said {
            code: done.status.code().unwrap(),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    async fn round(&self) {
        let said = self.run(&["check", "--format", "json"]).await;
        assert!(matches!(said.code, 0 | 100 | 101), "{}", said.err);
    }

    async fn report(&self, format: &str, period: &str) -> String {
        let said = self.run(&["report", "--format", format, "--period", period]).await;
        assert_eq!(said.code, 0, "{}", said.err);
        said.out
    }

    async fn json(&self, period: &str) -> Value {
        serde_json::from_str(&self.report("json", period).await).unwrap()
    }
}

/// What a host answers, with a word of its own choice.
fn recorded(answer: &str) -> String {
    let text = Value::from(format!("permitrootlogin {answer}\npasswordauthentication yes\n"));
    format!(
        "facts: {{ linux.sshd: {{ stdout: {text} }}, linux.sshd_match: {{ stdout: \"UsePAM yes\\n\" }}, linux.sshd_root: {{ stdout: {text} }}, linux.shadow: {{ error: privilege }} }}\n"
    )
}

fn row<'r>(report: &'r Value, asset: &str, check: &str) -> &'r Value {
    let rows = report["results"].as_array().unwrap();
    rows.iter().find(|row| row["asset"] == asset && row["check"] == check).unwrap()
}

fn states(report: &Value) -> BTreeMap<String, u64> {
    let states = report["summary"]["states"].as_object().unwrap();
    states
        .iter()
        .map(|(state, count)| (state.clone(), count.as_u64().unwrap()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn counts(value: &Value) -> BTreeMap<String, u64> {
    value.as_object().unwrap().iter().map(|(key, count)| (key.clone(), count.as_u64().unwrap())).collect()
}

/// Runs the validator of the standards; `None` where it is not installed.
async fn standards(folder: &Path) -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/report-venv/bin/python");
    if !python.exists() {
        // a test that did not run must not look like one that passed
        let said = "SKIPPED: reports against the standards' schemas: tests/install.sh installs them\n";
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
        return None;
    }
    let run = tokio::process::Command::new(python)
        .arg(root.join("tests/reports/standards.py"))
        .arg(folder)
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(Duration::from_mins(1), run).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(serde_json::from_slice(&done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_tells_the_same_numbers_and_none_says_what_no_tool_can() {
    let plant = Plant::new();
    plant.round().await;
    // the device drifts, and calls itself what it likes
    plant.root_login(HOSTILE);
    plant.round().await;
    let mut told = BTreeMap::new();
    for format in FORMATS {
        let text = plant.report(format, "7d").await;
        let small = text.to_lowercase();
        for words in FORBIDDEN {
            assert!(!small.contains(words), "{format} says {words:?}");
        }
        plant.write(&format!("report.{format}"), &text);
        told.insert(format, text);
    }
    let report: Value = serde_json::from_str(&told["json"]).unwrap();
    let states = states(&report);
    assert!(
        ["pass", "fail", "unknown", "waived", "not_applicable"].iter().all(|word| states.contains_key(*word)),
        "{states:?}"
    );
    assert_eq!(states.values().sum::<u64>(), report["summary"]["pairs"]);

    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(told["csv"].as_bytes());
    let at = reader.headers().unwrap().iter().position(|name| name == "state").unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        *rows.entry(record[at].to_owned()).or_default() += 1;
        let is_formula = |cell: &str| cell.starts_with(['=', '+', '-', '@']);
        assert!(!record.iter().any(is_formula), "{record:?}");
    }
    assert_eq!(rows, states);

    let sentence = report["summary"]["sentence"].as_str().unwrap();
    assert!(sentence.ends_with("mapped controls have current evidence"), "{sentence}");
    for format in ["html", "markdown"] {
        assert!(told[format].contains(sentence), "{format}");
    }
    let of = |word: &str| states.get(word).copied().unwrap_or_default();
    assert!(told["html"].contains(&format!("<b>{}</b><span>open</span>", of("fail"))));
    assert!(told["markdown"].contains(&format!(
        "{} fail, {} unknown, {} waived",
        of("fail"),
        of("unknown"),
        of("waived")
    )));

    let Some(found) = standards(plant.0.path()).await else { return };
    let only = |words: &[&str]| -> BTreeMap<String, u64> {
        states
            .iter()
            .filter(|(state, _)| words.contains(&state.as_str()))
            .map(|(state, count)| (state.clone(), *count))
            .collect()
    };
    assert_eq!(counts(&found["sarif"]), only(&["fail", "waived", "unknown"]));
    assert_eq!(counts(&found["ocsf"]), states);
    assert_eq!(counts(&found["oscal"]), only(&["pass", "warn", "fail", "waived", "unknown"]));
    let junit = counts(&found["junit"]);
    assert_eq!((junit["failures"], junit["errors"]), (of("fail"), of("unknown")));
    assert_eq!((junit["skipped"], junit["tests"]), (of("waived") + of("not_applicable"), states.values().sum()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_runs_nothing_fetches_nothing_and_shows_hostile_text_as_text() {
    let plant = Plant::new();
    plant.root_login(HOSTILE);
    plant.round().await;
    let page = plant.report("html", "7d").await;
    for markup in ["<script", "<img", "<b>aarhus", "<iframe", "javascript:", " onerror=\"", "<link", "@import", "url("]
    {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "the text itself is told");
    assert!(page.contains("&lt;b&gt;aarhus&lt;/b&gt;"));
    let links: Vec<&str> = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(!links.is_empty() && links.iter().all(|link| link.starts_with('#')), "{links:?}");
    for link in links {
        assert!(page.contains(&format!("id=\"{}\"", &link[1..])), "{link} leads nowhere");
    }
    let markdown = plant.report("markdown", "7d").await;
    assert!(!markdown.contains("<script") && !markdown.contains("<img") && !markdown.contains("<b>"));
    let widths: Vec<usize> = markdown
        .lines()
        .filter(|line| line.starts_with("| w-1"))
        .map(|line| line.replace("\\|", "").matches('|').count())
        .collect();
    assert_eq!(widths, [9], "a text made a cell of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drift_is_told_with_its_record_and_its_end_and_a_waiver_with_what_it_accepts() {
    let plant = Plant::new();
    plant.round().await;
    plant.root_login("yes");
    plant.round().await;
    let report = plant.json("1d").await;
    let drift = report["drift"].as_array().unwrap().iter().find(|one| one["check"] == "ssh-root-login").unwrap();
    assert_eq!(
        (&drift["asset"], &drift["from"], &drift["to"]),
        (&"recorded-01".into(), &"pass".into(), &"fail".into())
    );
    assert_eq!(drift["back_at"], Value::Null);
    let open = row(&report, "recorded-01", "ssh-root-login");
    assert_eq!(open["record"], drift["record"], "the finding names the record with which it began");
    assert!(
        open["evidence"]["answers"].as_array().unwrap().iter().any(|one| one["sha256"].as_str().unwrap().len() == 64)
    );

    plant.root_login("no");
    plant.round().await;
    let report = plant.json("1d").await;
    let drift = report["drift"].as_array().unwrap().iter().find(|one| one["check"] == "ssh-root-login").unwrap();
    assert!(drift["back_at"].is_string(), "{drift}");
    assert_eq!(row(&report, "recorded-01", "ssh-root-login")["state"], "pass");

    let accepted = row(&report, "recorded-02", "ssh-root-login");
    assert_eq!((&accepted["state"], &accepted["waiver"]), (&"waived".into(), &"w-1".into()));
    let summary = &report["summary"];
    assert!(summary["gross_score"].as_f64() < summary["net_score"].as_f64(), "{summary}");
    let waiver = &report["papers"]["waivers"][0];
    assert_eq!((&waiver["accepts"], &waiver["state"]), (&1.into(), &"running".into()));
    let deadlines = report["papers"]["incidents"][0]["deadlines"].as_array().unwrap();
    assert_eq!((&deadlines[0]["stage"], &deadlines[0]["state"]), (&"early_warning".into(), &"overdue".into()));
    assert_eq!(report["papers"]["attestations"][0]["state"], "valid");

    let head = format!("{}:{}", report["made"]["head"]["seq"], report["made"]["head"]["digest"].as_str().unwrap());
    let verified = plant.run(&["ledger", "verify", "--head", &head]).await;
    assert_eq!(verified.code, 0, "the head on the report proves the ledger: {}{}", verified.out, verified.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_judged_or_was_judged_later_is_unknown_and_never_green() {
    let plant = Plant::new();
    let said = plant.run(&["report", "--format", "json"]).await;
    assert_eq!(said.code, 1, "without a store there is nothing to report");
    assert!(said.err.contains("n.db"), "{}", said.err);

    let said = plant.run(&["check", "--asset", "recorded-01", "--check", "ssh-root-login"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    let report = plant.json("1d").await;
    assert_eq!(row(&report, "recorded-01", "ssh-root-login")["state"], "pass");
    let other = row(&report, "recorded-02", "ssh-root-login");
    assert_eq!((&other["state"], &other["cause"]), (&"unknown".into(), &"no_data".into()));

    let day = |days| (Utc::now() - TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let past = plant.json(&format!("{}..{}", day(20), day(10))).await;
    assert_eq!(row(&past, "recorded-01", "ssh-root-login")["state"], "unknown", "nobody had looked then");
    assert_eq!(past["summary"]["gross_time"], Value::Null);
    assert_eq!(past["trend"].as_array().unwrap().iter().filter(|tick| tick["met"] != 0).count(), 0);

    let said = plant.run(&["report", "--period", "yesterday"]).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("FROM..TO"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_goes_into_a_file_whole_and_changes_nothing_in_the_store() {
    let plant = Plant::new();
    plant.round().await;
    let head = plant.run(&["ledger", "head"]).await.out;
    let said = plant.run(&["report", "--output", "evidence.html"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    let page = std::fs::read_to_string(plant.path("evidence.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(plant.run(&["ledger", "head"]).await.out, head);
    let said = plant.run(&["report", "--output", "no/such/folder/evidence.html"]).await;
    assert_eq!(said.code, 1);
    assert!(said.err.contains("cannot write"), "{}", said.err);
}
