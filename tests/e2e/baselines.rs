//! A port opens on a device: it is named, and somebody decides about it.

use std::net::TcpListener;
use std::time::Duration;

use crate::support::{Daemon, Plant, Ran, early, until};

const CHECK: &str = "asset-open-ports";
const BY: [&str; 4] = ["--by", "p-014", "--reason", "change C-7"];

/// A device with one open port, and another port that can be opened; both are allowed by the rule of the check.
struct Ports {
    plant: Plant,
    id: String,
    door: u16,
    _open: TcpListener,
}

impl Ports {
    fn new(settings: &str) -> Self {
        let [open, closed] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, door] = [&open, &closed].map(|listener| listener.local_addr().unwrap().port());
        drop(closed);
        let id = early("hist");
        let asset = format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: linux-host, allowed_ports: [{port}, {door}] }}\n"
        );
        let settings = format!(
            "limits: {{ standard: {{ gap: 0s, per_hour: 100000 }} }}\n\
             params: {{ {CHECK}: {{ probe_ports: [{port}, {door}] }} }}\n{settings}"
        );
        Self { plant: Plant::of_checks(&["core/asset-open-ports"], &settings, &asset), id, door, _open: open }
    }

    fn opened(&self) -> TcpListener {
        TcpListener::bind(("127.0.0.1", self.door)).unwrap()
    }

    /// State and reason of one round.
    fn judged(&self) -> (String, String) {
        let report = self.plant.check(&["--check", CHECK]).json();
        let text = |key: &str| report["results"][0][key].as_str().unwrap().to_owned();
        (text("state"), text("reason"))
    }

    fn baseline(&self, words: &[&str]) -> Ran {
        self.plant.run(&[&["baseline"], words].concat())
    }
}

#[test]
fn what_was_approved_passes_and_what_was_added_is_named_until_it_is_approved_or_gone() {
    let ports = Ports::new("");
    let (state, reason) = ports.judged();
    assert_eq!(state, "pass", "{reason}");
    assert!(reason.ends_with("; baseline not approved"), "{reason}");
    assert_ne!(ports.baseline(&[&["approve"][..], &BY].concat()).code, 0, "approved without being told what");
    let approved = ports.baseline(&[&["approve", "--all-proposed"][..], &BY].concat());
    assert_eq!(approved.code, 0, "{}", approved.err);
    assert!(!ports.judged().1.contains("baseline"));

    let door = ports.opened();
    let (state, reason) = ports.judged();
    assert_eq!(state, "fail", "{reason}");
    assert!(reason.starts_with(&format!("differs from the approved baseline: added {};", ports.door)), "{reason}");
    let diff = ports.baseline(&["diff", &ports.id, CHECK]);
    assert!(diff.out.contains(&format!("+ {}", ports.door)), "{}{}", diff.out, diff.err);
    let listed = ports.baseline(&["list", "--state", "differs", "--format", "json"]).json();
    assert_eq!(listed["baselines"][0]["difference"]["added"][0], ports.door.to_string());

    let plan = ["plan", "--asset", &ports.id, "--check", CHECK, "--ticket", "C-7", "--until", "2999-01-01T00:00:00Z"];
    assert_eq!(ports.baseline(&[&plan[..], &BY].concat()).code, 0);
    let (state, reason) = ports.judged();
    assert_eq!(state, "warn", "{reason}");
    assert!(reason.starts_with("planned (ticket C-7"), "{reason}");

    assert_eq!(ports.baseline(&[&["approve", "--asset", &ports.id, "--check", CHECK][..], &BY].concat()).code, 0);
    assert_eq!(ports.judged().0, "pass");
    assert_eq!(ports.baseline(&[&["revert", &ports.id, CHECK][..], &BY].concat()).code, 0);
    assert_eq!(ports.judged().0, "fail", "the announced change was used up by the approval");
    drop(door);
    assert_eq!(ports.judged().0, "pass");
    assert_eq!(ports.plant.run(&["ledger", "verify"]).code, 0);
}

pub(crate) fn a_port_that_nobody_approved_is_drift_until_somebody_decides_beside_the_running_daemon() {
    let ports = Ports::new("schedules: { exposure: { every: 2s } }\n");
    let daemon = Daemon::start(&ports.plant);
    daemon.until_state(&ports.id, CHECK, 0.0, Duration::from_secs(100));
    let count = |state: &str| daemon.metrics().sum("nis2watch_baselines", &[("zone", "office"), ("state", state)]);
    until("the value is proposed", Duration::from_secs(40), || (count("proposed") > 0.5).then_some(()));
    let approve = || {
        let done = ports.baseline(&[&["approve", "--asset", &ports.id][..], &BY].concat());
        assert_eq!(done.code, 0, "{}", done.err);
    };
    approve();
    let door = ports.opened();
    daemon.until_state(&ports.id, CHECK, 2.0, Duration::from_secs(20));
    until("the difference is counted", Duration::from_secs(40), || (count("differs") > 0.5).then_some(()));
    approve();
    daemon.until_state(&ports.id, CHECK, 0.0, Duration::from_secs(20));
    let labels = [("asset", ports.id.as_str()), ("check", CHECK)];
    let ends = daemon.metrics().value("nis2watch_baseline_expiry_timestamp_seconds", &labels);
    assert!(ends.is_some(), "an approval without an end");
    drop(door);
}

pub(crate) fn an_approval_is_shown_within_a_minute_without_a_visit() {
    let ports = Ports::new("schedules: { exposure: { every: 240h } }\n");
    assert_eq!(ports.judged().0, "pass");
    assert_eq!(ports.baseline(&[&["approve", "--all-proposed"][..], &BY].concat()).code, 0);
    let _door = ports.opened();
    assert_eq!(ports.judged().0, "fail");
    let daemon = Daemon::start(&ports.plant);
    daemon.until_state(&ports.id, CHECK, 2.0, Duration::from_secs(10));
    let approved = ports.baseline(&[&["approve", "--state", "differs"][..], &BY].concat());
    assert_eq!(approved.code, 0, "{}", approved.err);
    daemon.until_state(&ports.id, CHECK, 0.0, Duration::from_secs(100));
    assert_eq!(daemon.metrics().value("nis2watch_visits_total", &[]), Some(0.0), "the asset was asked again");
}
