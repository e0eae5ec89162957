//! `check`: one round, its exit code and the shapes of its report.

use std::collections::BTreeSet;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Device, Manner, Plant, Ran, TlsServer, python, until};

const CHECK: &str = "tls-cert-expiry";
/// Keys of one result, a contract.
const KEYS: [&str; 14] = [
    "asset",
    "zone",
    "check",
    "state",
    "cause",
    "severity",
    "reason",
    "observed",
    "expected",
    "params",
    "controls",
    "evidence",
    "duration_ms",
    "at",
];
/// States of the summary, a contract.
const STATES: [&str; 6] = ["pass", "warn", "fail", "unknown", "waived", "not_applicable"];

/// A plant with one service in each state of [`CHECK`]; `strange` speaks no TLS and stands in another zone.
struct Services {
    plant: Plant,
    _servers: [TlsServer; 3],
    strange: Device,
}

impl Services {
    fn start() -> Self {
        let servers = [365, 20, 3].map(|days| TlsServer::start(days, &[]));
        let strange = Device::start(Manner::Says("220 FTP server ready\r\n"));
        let asset = |id: &str, zone: &str, port: u16| {
            format!(
                "- {{ id: {id}, address: 127.0.0.1, zone: {zone}, kind: web-service, \
                 access: {{ tls: {{ ports: [{port}] }} }} }}\n"
            )
        };
        let assets = [
            asset("good", "office", servers[0].port),
            asset("soon", "office", servers[1].port),
            asset("late", "office", servers[2].port),
            asset("strange", "dmz", strange.port),
        ];
        // versions are asked with further connections, which this is not about
        let plant = Plant::new("limits: { standard: { gap: 0s } }\n", &assets.concat());
        Self { plant, _servers: servers, strange }
    }

    fn check(&self, words: &[&str]) -> Ran {
        self.plant.check(&[&["--check", CHECK], words].concat())
    }

    /// The same in another format.
    fn report(&self, format: &str, words: &[&str]) -> Ran {
        self.plant.run(&[&["check", "--format", format, "--check", CHECK], words].concat())
    }
}

fn assets(ran: &Ran) -> BTreeSet<String> {
    let results = ran.json()["results"].as_array().unwrap().clone();
    results.iter().map(|result| result["asset"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_exit_code_says_what_a_script_must_know() {
    let services = Services::start();
    let code = |words: &[&str]| services.check(words).code;
    assert_eq!(code(&["--asset", "good"]), 0);
    assert_eq!(code(&["--asset", "good", "--asset", "soon"]), 0, "a warning is no fail");
    assert_eq!(code(&["--asset", "late"]), 100);
    assert_eq!(code(&["--asset", "strange"]), 101);
    assert_eq!(code(&[]), 100, "a fail comes before an unknown");
    assert_eq!(code(&["--fail-on", "critical"]), 0, "nothing here is critical");
    assert_eq!(code(&["--fail-on", "severe"]), 1);
    let nagios = |words: &[&str]| services.report("nagios", words).code;
    assert_eq!(["good", "soon", "late", "strange"].map(|asset| nagios(&["--asset", asset])), [0, 1, 2, 3]);
}

#[test]
fn json_keeps_its_contract() {
    let services = Services::start();
    let ran = services.check(&[]);
    assert_eq!(ran.err, "");
    let report = ran.json();
    let results = report["results"].as_array().unwrap();
    let keys: BTreeSet<&str> = results[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(KEYS.iter().all(|key| keys.contains(key)), "{keys:?}");
    let summary = report["summary"].as_object().unwrap();
    let counts: Vec<_> = STATES.iter().map(|state| summary[*state].as_u64().unwrap()).collect();
    assert_eq!((counts, summary.len()), (vec![1, 1, 1, 1, 0, 0], STATES.len()));
    let states = ["good", "soon", "late", "strange"].map(|asset| ran.state(asset, CHECK));
    assert_eq!(states, ["pass", "warn", "fail", "unknown no_data"]);
    for result in results {
        assert_eq!(result["check"], CHECK);
        assert_eq!(result["severity"], "high");
        assert_eq!(result["controls"], serde_json::json!(["CRY-03"]));
        assert!(result["at"].as_str().unwrap().ends_with('Z') && result["duration_ms"].is_u64(), "{result}");
        assert_eq!(result["cause"].is_null(), result["state"] != "unknown");
        let item = &result["evidence"]["items"][0];
        assert_eq!((item["fact"].as_str(), item["transport"].as_str()), (Some("tls.services"), Some("tls")));
        assert_eq!(item["answer_sha256"].as_str().unwrap().len(), 64);
        assert_eq!(result["params"]["cert_crit_days"], 7);
    }
}

#[test]
fn other_programs_read_junit_csv_and_nagios() {
    let services = Services::start();
    let junit = services.report("junit", &[]);
    assert_eq!(junit.code, 100);
    services.plant.write("junit.xml", &junit.out);
    let script = "import sys, xml.etree.ElementTree as tree\n\
                  suites = tree.parse(sys.argv[1]).getroot()\n\
                  print(suites.tag, [suites.get(key) for key in ('tests', 'failures', 'errors', 'skipped')])\n\
                  for case in suites.iter('testcase'):\n\
                  \x20 print(case.get('classname'), case.get('name'), [child.tag for child in case])\n";
    let read = python(script, &[services.plant.path("junit.xml").to_str().unwrap()]);
    let expected = [
        "testsuites ['4', '1', '1', '0']",
        "good tls-cert-expiry []",
        "soon tls-cert-expiry ['system-out']",
        "late tls-cert-expiry ['failure']",
        "strange tls-cert-expiry ['error']",
    ];
    assert_eq!(read.lines().collect::<Vec<_>>(), expected);

    let table = services.report("csv", &[]).out;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|one| one == name).unwrap();
    let (asset, state, cause) = (column("asset"), column("state"), column("cause"));
    let rows: Vec<_> =
        reader.records().map(Result::unwrap).map(|row| [asset, state, cause].map(|at| row[at].to_owned())).collect();
    let expected =
        [["good", "pass", ""], ["soon", "warn", ""], ["late", "fail", ""], ["strange", "unknown", "no_data"]];
    assert_eq!(rows, expected);

    let line = services.report("nagios", &[]).out;
    let (text, data) = line.trim_end().split_once(" | ").unwrap();
    assert!(
        text.starts_with("NIS2WATCH CRITICAL - 1 fail, 1 unknown, 1 warn, 1 pass; late tls-cert-expiry: "),
        "{text}"
    );
    assert!(data.contains("fail=1;;;0") && data.contains("pass=1;;;0") && !line.trim_end().contains('\n'), "{data}");
}

#[test]
fn only_what_was_chosen_is_asked_and_a_misspelt_name_is_an_error() {
    let services = Services::start();
    assert_eq!(assets(&services.check(&["--zone", "dmz"])), ["strange".to_owned()].into());
    assert_eq!(
        assets(&services.check(&["--asset", "good", "--asset", "late"])),
        ["good".to_owned(), "late".to_owned()].into()
    );
    let (contacts, _) = services.strange.totals();
    services.check(&["--zone", "office"]);
    assert_eq!(services.strange.totals().0, contacts, "an asset that was not chosen was contacted");
    for (words, hint) in [
        (["--asset", "goood"], "did you mean \"good\"?"),
        (["--zone", "dnz"], "did you mean \"dmz\"?"),
        (["--check", "tls-cert-expire"], "did you mean \"tls-cert-expiry\"?"),
        (["--asset", "zzz"], "there is no asset named \"zzz\""),
    ] {
        let ran = services.plant.check(&words);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{words:?}");
        assert!(ran.err.contains(hint), "{}", ran.err);
    }
}

#[test]
fn what_was_seen_is_kept_and_a_second_round_is_no_new_record() {
    let services = Services::start();
    let head = |ran: &Ran| ran.out.clone();
    services.check(&[]);
    let first = services.plant.run(&["ledger", "verify"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.starts_with("4 records, all as they were written, head 4:"), "{}", first.out);
    services.check(&[]);
    assert_eq!(head(&services.plant.run(&["ledger", "verify"])), head(&first));
}

#[test]
fn without_a_place_for_the_store_the_round_is_shown_all_the_same() {
    let services = Services::start();
    let ran = services.check(&["--asset", "good", "--store", "/nowhere/nis2watch.db"]);
    assert_eq!((ran.code, ran.state("good", CHECK).as_str()), (0, "pass"));
    assert!(ran.err.contains("shown and not recorded"), "{}", ran.err);
    let ran: Value = ran.json();
    assert_eq!(ran["summary"]["pass"], 1);
}

#[test]
fn a_round_is_quiet_unless_the_command_line_or_the_environment_asks_for_its_log() {
    let settings = "credentials: { ro: { ssh: { user: n, password: { file: secret } } } }\n";
    // nobody listens at port 1
    let asset = "- { id: shut, address: 127.0.0.1, zone: office, kind: linux-host, \
                 access: { ssh: { credential: ro, port: 1 } } }\n";
    let plant = Plant::new(settings, asset);
    plant.secret("secret", "x");
    let words = ["check", "--check", "empty-passwords", "--config", "nis2watch.yaml"];
    assert_eq!(plant.run_plain(&words).err, "");
    let asked = plant.run_plain(&[&words[..], &["--log", "debug"]].concat());
    assert!(asked.err.contains("DEBUG") && asked.err.contains("no fact"), "{}", asked.err);
    let output = plant.command(&words).env("NIS2WATCH__TELEMETRY__LOG", "debug").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("DEBUG"), "{log}");
    let facts = ["facts", "--asset", "shut", "--fact", "linux.shadow", "--config", "nis2watch.yaml"];
    assert_eq!(plant.run_plain(&facts).err, "");
    assert!(plant.run_plain(&[&facts[..], &["--log", "debug"]].concat()).err.contains("DEBUG"));
}

#[test]
fn an_unknown_comes_with_what_to_do() {
    let plant = Plant::new("", "- { id: bare, address: 127.0.0.1, zone: office, kind: linux-host }\n");
    let ran = plant.check(&["--check", "empty-passwords"]);
    let advice = ran.result("bare", "empty-passwords")["advice"].as_str().unwrap().to_owned();
    assert!(advice.contains("access:") && advice.contains("credential"), "{advice}");
    let table = plant.run(&["check", "--check", "empty-passwords"]).out;
    assert!(table.contains(&advice), "{table}");
}

#[test]
fn a_round_that_is_told_to_stop_shows_what_it_saw_and_calls_the_rest_unknown() {
    let (good, silent) = (TlsServer::start(365, &[]), Device::start(Manner::Silent));
    let asset = |id: &str, port: u16| {
        format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: web-service, \
             access: {{ tls: {{ ports: [{port}] }} }} }}\n"
        )
    };
    let settings = "limits: { visits_in_flight: 1, standard: { gap: 0s } }\n";
    // one after the other, so the good one is judged when the silent one is asked
    let plant = Plant::new(settings, &[asset("a-good", good.port), asset("b-silent", silent.port)].concat());
    let words = ["check", "--format", "json", "--check", CHECK, "--config", "nis2watch.yaml"];
    let mut running = plant.begin(&words);
    until("the silent one is asked", Duration::from_mins(1), || silent.contacts().first().map(|_| ()));
    running.child.signal(Signal::TERM);
    let ran = running.end();
    assert_eq!(ran.state("a-good", CHECK), "pass", "{ran:?}");
    assert_eq!(ran.state("b-silent", CHECK), "unknown stale", "{ran:?}");
    assert_eq!(ran.code, 101);
    assert!(ran.err.contains("told to stop"), "{}", ran.err);
    let stored = plant.run(&["report", "--period", "1d", "--format", "json"]);
    assert!(!stored.out.contains("told to stop"), "what was not asked is not recorded");
}
