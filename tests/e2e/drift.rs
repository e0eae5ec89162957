//! A host drifts, is seen to drift within its schedule, and comes back.

use std::time::Duration;

use crate::support::{Daemon, Plant, SshHost, early, until};

const CHECK: &str = "ssh-root-login";
const GOOD: &str = "PermitRootLogin prohibit-password";

pub(crate) fn a_drift_shows_within_its_schedule_is_counted_once_and_ends() {
    let host = SshHost::openssh(GOOD);
    let id = early("web");
    let settings = format!(
        "schedules: {{ posture: {{ every: 2s }} }}\nparams: {{ ssh-root-login: {{ allow_key_root: true }} }}\ncredentials:\n{}",
        host.credential("key", &SshHost::user())
    );
    let plant = Plant::of_checks(&["ssh-service/ssh-root-login"], &settings, &host.asset(&id, "key", ""));
    let daemon = Daemon::start(&plant);
    daemon.until_state(&id, CHECK, 0.0, Duration::from_secs(100));
    let since = |daemon: &Daemon| {
        let labels = [("asset", id.as_str()), ("check", CHECK)];
        daemon.metrics().value("nis2watch_check_state_since_timestamp_seconds", &labels).unwrap()
    };
    let moved = |from: &str, to: &str| {
        daemon
            .metrics()
            .sum("nis2watch_transitions_total", &[("from", from), ("to", to), ("severity", "high"), ("zone", "office")])
    };
    let passed_since = since(&daemon);

    host.configure("PermitRootLogin yes");
    // due every two seconds; the rest is the visit itself on a busy machine
    daemon.until_state(&id, CHECK, 2.0, Duration::from_secs(12));
    let failed_since = since(&daemon);
    assert!(failed_since > passed_since);
    let pass =
        |daemon: &Daemon| daemon.metrics().value("nis2watch_check_pass", &[("asset", id.as_str()), ("check", CHECK)]);
    assert_eq!(pass(&daemon), Some(0.0));
    let drifts = daemon.said("drift").into_iter().filter(|event| event["check"] == CHECK).collect::<Vec<_>>();
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert_eq!((drifts[0]["asset"].as_str(), drifts[0]["verdict"].as_str()), (Some(id.as_str()), Some("fail")));
    assert_eq!(drifts[0]["reason"], "root may log in with a password (PermitRootLogin yes)");

    let visits = |daemon: &Daemon| daemon.metrics().value("nis2watch_visits_total", &[]).unwrap();
    let seen = visits(&daemon);
    until("two more visits", Duration::from_secs(20), || (visits(&daemon) >= seen + 2.0).then_some(()));
    assert!((moved("pass", "fail") - 1.0).abs() < 0.1, "{:?}", moved("pass", "fail"));
    assert!((since(&daemon) - failed_since).abs() < 0.1, "the same state began again");

    host.configure(GOOD);
    daemon.until_state(&id, CHECK, 0.0, Duration::from_secs(12));
    assert_eq!(pass(&daemon), Some(1.0));
    assert!((moved("fail", "pass") - 1.0).abs() < 0.1 && (moved("pass", "fail") - 1.0).abs() < 0.1);
    assert_eq!(plant.run(&["ledger", "verify"]).code, 0);
}
