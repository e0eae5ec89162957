//! From a changed line in a real `sshd_config` to the message in somebody's hand, and to its end.
//!
//! Both ways are looked at, with the sample configuration of Alertmanager: over Prometheus and its rules, and from the
//! daemon itself. The labels have to be the same, so that silences, routes and inhibition hold for both.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Alertmanager, Daemon, Hook, Plant, Prometheus, SshHost, early, never, until};

const CHECK: &str = "ssh-root-login";
const GOOD: &str = "PermitRootLogin prohibit-password";
const BAD: &str = "PermitRootLogin yes";
/// What `instance` is called in both ways.
const INSTANCE: &str = "lab-1";
/// A visit is due every second; the rest is the visit itself on a busy machine.
const SEEN: Duration = Duration::from_secs(20);
/// From the verdict to the message, with the waits of the rules and of Alertmanager cut to seconds.
const TOLD: Duration = Duration::from_secs(30);
/// How long nothing further must come.
const QUIET: Duration = Duration::from_secs(5);
/// Where the sample sends critical alerts of the office.
const PAGER: &str = "/pager-it";

/// A host, and a plant that watches it with these receivers.
fn watched(receivers: &str) -> (SshHost, String, Plant) {
    let host = SshHost::openssh(GOOD);
    let id = early("web");
    let settings = format!(
        "schedules: {{ posture: {{ every: 1s }} }}\nparams: {{ {CHECK}: {{ allow_key_root: true }} }}\n{receivers}credentials:\n{}",
        host.credential("key", &SshHost::user())
    );
    let plant = Plant::of_checks(&["ssh-service/ssh-root-login"], &settings, &host.asset(&id, "key", ""));
    (host, id, plant)
}

/// The labels of the alert, in whichever way it is told.
fn labels(asset: &str) -> Value {
    json!({
        "alertname": "Nis2CheckDrifted", "severity": "critical", "instance": INSTANCE, "asset": asset, "check": CHECK,
        "zone": "office",
    })
}

/// Waits for exactly one message of Alertmanager with this status; returns its one alert.
fn alert(hook: &Hook, status: &str) -> Value {
    let wanted = || {
        let messages = hook.messages(PAGER, 200).into_iter().filter(|message| message["status"] == status);
        messages.collect::<Vec<_>>()
    };
    until(&format!("Alertmanager says {status}"), TOLD, || (!wanted().is_empty()).then_some(()));
    never("Alertmanager says it again", QUIET, || wanted().len() > 1);
    let message = wanted().remove(0);
    assert_eq!(message["alerts"].as_array().unwrap().len(), 1, "{message}");
    message["alerts"][0].clone()
}

/// Waits for exactly one notice of a kind; returns it.
fn notice(hook: &Hook, path: &str, kind: &str) -> Value {
    let wanted = || {
        let messages = hook.messages(path, 200);
        let notices = messages.iter().flat_map(|message| message["notices"].as_array().unwrap());
        notices.filter(|notice| notice["kind"] == kind).cloned().collect::<Vec<_>>()
    };
    until(&format!("the webhook hears of a {kind}"), TOLD, || (!wanted().is_empty()).then_some(()));
    never(&format!("the {kind} is told again"), QUIET, || wanted().len() > 1);
    wanted().remove(0)
}

pub(crate) fn prometheus_and_alertmanager_tell_of_a_drift_once_and_of_its_end() {
    let hook = Hook::open();
    let alertmanager = Alertmanager::telling(&hook);
    let (host, id, plant) = watched("");
    let daemon = Daemon::start(&plant);
    let _prometheus = Prometheus::alerting(daemon.port, INSTANCE, alertmanager.port);
    daemon.until_state(&id, CHECK, 0.0, Duration::from_secs(100));
    host.configure(BAD);
    daemon.until_state(&id, CHECK, 2.0, SEEN);
    let told = alert(&hook, "firing");
    assert_eq!(told["labels"], labels(&id), "{told}");
    assert_eq!(told["annotations"]["summary"], format!("{id} no longer meets {CHECK}"));
    assert!(told["annotations"]["description"].as_str().unwrap().contains("Fix: Set PermitRootLogin no"), "{told}");

    host.configure(GOOD);
    daemon.until_state(&id, CHECK, 0.0, SEEN);
    assert_eq!(alert(&hook, "resolved")["labels"], labels(&id));
}

pub(crate) fn the_daemon_tells_the_same_without_prometheus_and_a_dead_receiver_holds_up_nothing() {
    let (hook, dead) = (Hook::open(), Hook::open());
    dead.answer(0);
    let alertmanager = Alertmanager::telling(&hook);
    let (host, id, plant) = watched(&format!(
        "notify:\n\
         - {{ name: hook, webhook: {{ url: 'http://127.0.0.1:{0}/notices' }}, link: 'http://watch.example.net/{{asset}}' }}\n\
         - {{ name: dead, webhook: {{ url: 'http://127.0.0.1:{1}/dead', timeout: 5s }} }}\n\
         - {{ name: none, webhook: {{ url: 'http://127.0.0.1:9/' }} }}\n\
         - {{ name: am, alertmanager: {{ url: 'http://127.0.0.1:{2}', instance: {INSTANCE}, repeat: 5s }} }}\n",
        hook.port, dead.port, alertmanager.port
    ));
    let daemon = Daemon::start(&plant);
    daemon.until_state(&id, CHECK, 0.0, Duration::from_secs(100));
    let visits = || daemon.metrics().value("nis2watch_visits_total", &[]).unwrap();

    host.configure(BAD);
    daemon.until_state(&id, CHECK, 2.0, SEEN);
    let told = notice(&hook, "/notices", "drift");
    let fields = ["site", "asset", "zone", "check", "severity", "from", "to", "reason", "link"];
    let expected =
        ["lab", &id, "office", CHECK, "high", "pass", "fail", "root may log in with a password (PermitRootLogin yes)"];
    let link = format!("http://watch.example.net/{id}");
    for (field, value) in fields.iter().zip(expected.into_iter().chain([link.as_str()])) {
        assert_eq!(told[*field], value, "{field} of {told}");
    }
    let told = alert(&hook, "firing");
    assert_eq!(told["labels"], labels(&id), "{told}");
    assert_eq!(told["annotations"]["summary"], format!("{id} no longer meets {CHECK}"));
    assert!(told["annotations"]["description"].as_str().unwrap().contains("PermitRootLogin yes"), "{told}");

    // one receiver hangs and one is not there, and visits go on
    assert_eq!(dead.messages("/dead", 0).len().min(1), 1);
    let seen = visits();
    until("five more visits", SEEN, || (visits() >= seen + 5.0).then_some(()));
    let waiting = |receiver: &str| daemon.metrics().value("nis2watch_notices_waiting", &[("receiver", receiver)]);
    assert_eq!((waiting("dead"), waiting("none"), waiting("hook")), (Some(1.0), Some(1.0), Some(0.0)));

    host.configure(GOOD);
    daemon.until_state(&id, CHECK, 0.0, SEEN);
    assert_eq!(notice(&hook, "/notices", "recovery")["to"], "pass");
    assert_eq!(alert(&hook, "resolved")["labels"], labels(&id));
    let failed =
        |receiver: &str| daemon.metrics().value("nis2watch_notice_posts_failed_total", &[("receiver", receiver)]);
    assert!(failed("dead") >= Some(1.0) && failed("none") >= Some(1.0) && failed("hook") == Some(0.0));
}

pub(crate) fn what_kill_9_kept_from_a_receiver_is_told_once_after_the_restart() {
    let hook = Hook::open();
    let (host, id, plant) =
        watched(&format!("notify: [{{ name: hook, webhook: {{ url: 'http://127.0.0.1:{}/notices' }} }}]\n", hook.port));
    let mut daemon = Daemon::start(&plant);
    daemon.until_state(&id, CHECK, 0.0, Duration::from_secs(100));

    hook.answer(503);
    host.configure(BAD);
    daemon.until_state(&id, CHECK, 2.0, SEEN);
    until("it was tried", TOLD, || (!hook.messages("/notices", 503).is_empty()).then_some(()));
    daemon.signal(Signal::KILL);
    daemon.ended(Duration::from_secs(10));

    hook.answer(200);
    let mut daemon = Daemon::start(&plant);
    let told = notice(&hook, "/notices", "drift");
    assert_eq!(
        (told["asset"].as_str(), told["from"].as_str(), told["to"].as_str()),
        (Some(id.as_str()), Some("pass"), Some("fail"))
    );
    assert_eq!(told["id"], hook.messages("/notices", 503)[0]["notices"][0]["id"]);

    // what was told is told for good
    daemon.signal(Signal::KILL);
    daemon.ended(Duration::from_secs(10));
    let daemon = Daemon::start(&plant);
    host.configure(GOOD);
    daemon.until_state(&id, CHECK, 0.0, Duration::from_mins(1));
    notice(&hook, "/notices", "recovery");
    assert_eq!(notice(&hook, "/notices", "drift"), told);
}
