//! The daemon from its start to its end: ready, scraped, killed, drained.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Daemon, Metrics, Plant, Prometheus, SshHost, TlsServer, early, python, request, run, until};

const CERTIFICATE: &str = "tls-cert-expiry";
const ROOT_LOGIN: &str = "ssh-root-login";
/// Longest wait for a first verdict: first visits are spread over 20 seconds.
const FIRST: Duration = Duration::from_secs(100);
/// Everything is due every two seconds.
const QUICK: &str = "schedules: { posture: { every: 2s }, certificates: { every: 2s } }\n\
                     params: { ssh-root-login: { allow_key_root: true } }\n";

fn service(id: &str, port: u16) -> String {
    format!(
        "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: web-service, access: {{ tls: {{ ports: [{port}] }} }} }}\n"
    )
}

pub(crate) fn prometheus_sees_what_the_daemon_sees_and_both_formats_are_well_formed() {
    let (good, late) = (TlsServer::start(365, &[]), TlsServer::start(3, &[]));
    let (good_id, late_id) = (early("good"), early("late"));
    let plant = Plant::new(QUICK, &[service(&good_id, good.port), service(&late_id, late.port)].concat());
    let daemon = Daemon::start(&plant);
    let prometheus = Prometheus::scraping(daemon.port);
    assert_eq!((daemon.get("/-/healthy").status, daemon.get("/-/ready").status), (200, 200));
    daemon.until_state(&late_id, CERTIFICATE, 2.0, FIRST);
    daemon.until_state(&good_id, CERTIFICATE, 0.0, FIRST);

    let open =
        request("GET", daemon.port, "/metrics", &[("Accept", "application/openmetrics-text;version=1.0.0")]).unwrap();
    let text = daemon.get("/metrics");
    assert!(open.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", open.head);
    assert!(text.head.contains("content-type: text/plain; version=0.0.4"), "{}", text.head);
    let script = "import sys\n\
                  from prometheus_client import parser as text\n\
                  from prometheus_client.openmetrics import parser as open_metrics\n\
                  for name, parser in (('text', text), ('open', open_metrics)):\n\
                  \x20 families = list(parser.text_fd_to_metric_families(open(sys.argv[1] + '/' + name)))\n\
                  \x20 print(sorted({s.name for f in families for s in f.samples if s.name.startswith('nis2watch_check')}))\n";
    plant.write("text", &text.body);
    plant.write("open", &open.body);
    let read = python(script, &[plant.path("").to_str().unwrap()]);
    let read: Vec<&str> = read.lines().collect();
    assert!(read[0].contains("nis2watch_check_state_since_timestamp_seconds") && read[0] == read[1], "{read:?}");

    let promtool = "promtool check metrics < \"$0\"";
    run("sh", &["-c", promtool, plant.path("text").to_str().unwrap()]);

    let query = format!("nis2watch_check_state{{check=%22{CERTIFICATE}%22}}");
    let expected = BTreeMap::from([(good_id, "0".to_owned()), (late_id, "2".to_owned())]);
    until("Prometheus has scraped both as they are", Duration::from_secs(30), || {
        let found = prometheus.query(&query);
        let states: BTreeMap<String, String> = found
            .iter()
            .map(|one| {
                (one["metric"]["asset"].as_str().unwrap().to_owned(), one["value"][1].as_str().unwrap().to_owned())
            })
            .collect();
        (states == expected).then_some(())
    });
}

/// A table as large as that of a whole group of plants: nobody is asked, because its owner forbids it, and all of it
/// is told in one scrape.
pub(crate) fn prometheus_takes_two_hundred_thousand_samples_in_one_scrape() {
    const ASSETS: usize = 1_800;
    const SAMPLES: f64 = 200_000.0;
    let line = |n| format!("- {{ id: host-{n}, address: 127.0.0.1, zone: office, kind: linux-host, active: false }}\n");
    let plant = Plant::new("", &(0..ASSETS).map(line).collect::<String>());
    let daemon = Daemon::start(&plant);
    let prometheus = Prometheus::scraping(daemon.port);
    let number = |query: &str| -> Option<f64> { prometheus.query(query).first()?["value"][1].as_str()?.parse().ok() };
    until("a scrape of 200,000 samples", Duration::from_mins(4), || {
        number("scrape_samples_post_metric_relabeling{job=%22nis2watch%22}").filter(|samples| *samples >= SAMPLES)
    });
    assert!(number("up").is_some_and(|up| up > 0.9), "the scrape was refused");
    let told = number("count(count%20by%20(asset)(nis2watch_check_state))").unwrap();
    assert!((told - 1_800.0).abs() < 0.1, "{told} assets are told of");
}

/// State and since-time of every pair, as shown.
fn shown(metrics: &Metrics) -> Vec<String> {
    let names = ["nis2watch_check_state", "nis2watch_check_state_since_timestamp_seconds"];
    let mut lines: Vec<_> = names.iter().flat_map(|name| metrics.lines(name)).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A daemon that was started again, and what it shows before it has visited anything.
fn restarted(plant: &Plant) -> (Daemon, Metrics) {
    let start = || {
        let daemon = Daemon::start(plant);
        let metrics = daemon.metrics();
        (daemon, metrics)
    };
    // on a slow machine a visit may come before our first look; then the next one is earlier
    let mut starts = std::iter::repeat_with(start).take(5);
    let untouched = starts.find(|(_, metrics)| metrics.value("nis2watch_visits_total", &[]) == Some(0.0));
    untouched.expect("a look before the first visit")
}

/// A host whose visit takes a while.
fn slow_host() -> SshHost {
    SshHost::openssh("PermitRootLogin prohibit-password\nForceCommand sleep 2; exec sh -s")
}

fn until_under_way(daemon: &Daemon) -> Metrics {
    until("a visit is under way", FIRST, || {
        let metrics = daemon.metrics();
        (metrics.value("nis2watch_visits_in_flight", &[]).unwrap() > 0.0).then_some(metrics)
    })
}

pub(crate) fn kill_9_in_the_middle_of_a_round_forgets_nothing_that_was_shown() {
    let servers = [365, 20, 3].map(|days| TlsServer::start(days, &[]));
    let slow = slow_host();
    let ids: Vec<String> = ["good", "soon", "late", "slow"].map(early).to_vec();
    let mut assets: Vec<String> = ids.iter().zip(&servers).map(|(id, server)| service(id, server.port)).collect();
    assets.push(slow.asset(&ids[3], "key", ""));
    let settings = format!("{QUICK}credentials:\n{}", slow.credential("key", &SshHost::user()));
    let plant = Plant::of_checks(&["ssh-service/ssh-root-login", "tls/tls-cert-expiry"], &settings, &assets.concat());
    let mut daemon = Daemon::start(&plant);
    daemon.until_state(&ids[3], ROOT_LOGIN, 0.0, FIRST);
    daemon.until_state(&ids[0], CERTIFICATE, 0.0, FIRST);
    daemon.until_state(&ids[1], CERTIFICATE, 1.0, FIRST);
    daemon.until_state(&ids[2], CERTIFICATE, 2.0, FIRST);
    let before = until_under_way(&daemon);
    daemon.signal(Signal::KILL);
    daemon.ended(Duration::from_secs(5));

    let (_again, after) = restarted(&plant);
    assert_eq!(shown(&after), shown(&before));
    let drifts = after.sum("nis2watch_transitions_total", &[]);
    assert!(drifts < 0.1, "the counter counts from the start of the process, and shows {drifts}");
    let verified = plant.run(&["ledger", "verify"]);
    // a daemon that was killed has written no checkpoint yet, and that is said
    assert_eq!(verified.code, 0, "{} {}", verified.out, verified.err);
    assert!(verified.out.contains("records, all as they were written"), "{}", verified.out);
}

pub(crate) fn sigterm_lets_a_visit_finish_and_keeps_what_it_saw() {
    let (host, id) = (slow_host(), early("slow"));
    let settings = format!("{QUICK}credentials:\n{}", host.credential("key", &SshHost::user()));
    let plant = Plant::of_checks(&["ssh-service/ssh-root-login"], &settings, &host.asset(&id, "key", ""));
    let mut daemon = Daemon::start(&plant);
    until_under_way(&daemon);
    daemon.signal(Signal::TERM);
    until("it says that it is not ready", Duration::from_secs(2), || {
        (daemon.get("/-/ready").status == 503).then_some(())
    });
    assert_eq!(daemon.get("/-/healthy").status, 200, "nobody should kill it while it drains");
    assert_eq!(daemon.ended(Duration::from_secs(20)).code(), Some(0), "{}", daemon.log());
    assert!(request("GET", daemon.port, "/-/ready", &[]).is_none(), "somebody still listens");
    let (_again, after) = restarted(&plant);
    let labels = [("asset", id.as_str()), ("check", ROOT_LOGIN)];
    assert_eq!(after.value("nis2watch_check_state", &labels), Some(0.0), "the visit under way was lost");
}

#[test]
fn a_second_daemon_on_the_same_store_is_refused_and_the_first_goes_on() {
    let server = TlsServer::start(365, &[]);
    let plant = Plant::new(QUICK, &service("web-1", server.port));
    let first = Daemon::start(&plant);
    let mut second = Daemon::spawn(&plant);
    assert_eq!(second.ended(Duration::from_secs(20)).code(), Some(1));
    assert!(second.log().contains("is in use by process"), "{}", second.log());
    assert!(second.log().contains("two daemons must not share a store"), "{}", second.log());
    assert_eq!(first.get("/-/ready").status, 200);
    // nor is a port that somebody has
    let taken = plant.run(&["run", "--listen", &format!("127.0.0.1:{}", first.port)]);
    assert_eq!(taken.code, 1);
    assert!(taken.err.contains("cannot listen at 127.0.0.1") && taken.err.contains("--listen"), "{}", taken.err);
}

#[test]
fn heads_are_anchored_on_a_schedule_and_at_the_end_and_the_chain_holds_who_did_what() {
    let server = TlsServer::start(365, &[]);
    let id = early("web");
    let settings = format!(
        "{QUICK}ledger: {{ anchor: {{ file: anchors, schedule: {{ every: 2s }} }} }}\ncatalog: {{ extra: [mine] }}\n"
    );
    let plant = Plant::new(&settings, &service(&id, server.port));
    plant.write("mine/own/pack.yaml", "id: own\ntitle: Rules of our plant\n");
    plant.write("mine/notes.txt", "not a check\n");
    // as docs/ledger.md has it
    let lines = "cd mine && find -L . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum";
    let script = lines.replace("cd mine", &format!("cd {}", plant.path("mine").display()));
    let folder = std::process::Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
    let folder = String::from_utf8(folder).unwrap().split(' ').next().unwrap().to_owned();
    let mut daemon = Daemon::start(&plant);
    daemon.until_state(&id, CERTIFICATE, 0.0, FIRST);
    let anchors = || std::fs::read_to_string(plant.path("anchors")).unwrap_or_default().lines().count();
    until("two heads are kept", Duration::from_mins(1), || (anchors() >= 2).then_some(()));
    let metric = |name: &str| daemon.metrics().value(name, &[]).unwrap_or_default();
    assert!(metric("nis2watch_ledger_anchor_last_success_timestamp_seconds") > 1.7e9);
    assert!(metric("nis2watch_ledger_anchor_interval_seconds") >= 1.0);
    assert_eq!(daemon.post("/-/stop-traffic").status, 200);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended(Duration::from_secs(20)).code(), Some(0), "{}", daemon.log());

    let file = plant.path("anchors");
    let verified = plant.run(&["ledger", "verify", "--anchor", file.to_str().unwrap()]);
    // after an orderly end the last checkpoint binds all there is
    assert_eq!((verified.code, verified.err.as_str()), (0, ""), "{}", verified.out);
    let exported = plant.run(&["ledger", "export"]).out;
    for act in ["flag.traffic_stopped", "configuration", "the daemon started", &folder] {
        assert!(exported.contains(act), "{act}: {exported}");
    }
    let last = exported.lines().last().unwrap();
    let head = plant.run(&["ledger", "head"]).out;
    assert!(last.contains(head.trim().split_once(':').unwrap().1), "{head} is not {last}");
    assert!(std::fs::read_to_string(file).unwrap().contains(head.trim().split_once(':').unwrap().1), "{head}");
}
