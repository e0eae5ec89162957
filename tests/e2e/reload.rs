//! Reload: whole or not at all.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Daemon, Plant, TlsServer, early, until};

const CHECK: &str = "tls-cert-expiry";
const LOADED: &str = "nis2watch_config_last_reload_successful";
const SOON: Duration = Duration::from_secs(40);
const QUICK: &str = "schedules: { certificates: { every: 2s } }\n";

fn asset(id: &str, port: u16) -> String {
    format!(
        "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: web-service, access: {{ tls: {{ ports: [{port}] }} }} }}\n"
    )
}

fn until_loaded(daemon: &Daemon, value: f64) {
    until("the reload is over", SOON, || (daemon.metrics().value(LOADED, &[]) == Some(value)).then_some(()));
}

pub(crate) fn a_broken_file_changes_nothing_and_a_mended_one_takes_hold() {
    let server = TlsServer::start(365, &[]);
    let (stays, goes) = (early("stays"), early("goes"));
    let both = [asset(&stays, server.port), asset(&goes, server.port)].concat();
    let plant = Plant::new(QUICK, &both);
    let mut daemon = Daemon::start(&plant);
    assert_eq!(daemon.metrics().value(LOADED, &[]), Some(1.0));
    for id in [&stays, &goes] {
        daemon.until_state(id, CHECK, 0.0, Duration::from_secs(100));
    }

    plant.write("assets.yaml", &both.replace("zone: office", "zone: ofice"));
    daemon.signal(Signal::HUP);
    until_loaded(&daemon, 0.0);
    let refused = daemon.said("the configuration was refused, the old one stays");
    let mistakes = refused.last().unwrap()["mistakes"].as_str().unwrap().to_owned();
    assert!(mistakes.contains("assets.yaml:1:") && mistakes.contains("did you mean \"office\"?"), "{mistakes}");
    let metrics = daemon.metrics();
    for id in [&stays, &goes] {
        assert_eq!(metrics.value("nis2watch_check_state", &[("asset", id), ("check", CHECK)]), Some(0.0));
    }
    let visits = metrics.value("nis2watch_visits_total", &[]).unwrap();
    until("the old plan is still watched", SOON, || {
        (daemon.metrics().value("nis2watch_visits_total", &[]).unwrap() > visits + 1.0).then_some(())
    });
    let reply = daemon.post("/-/reload");
    assert_eq!(reply.status, 500);
    assert!(reply.body.starts_with("the old configuration stays") && reply.body.contains(&mistakes), "{}", reply.body);

    plant.write("assets.yaml", &asset(&stays, server.port));
    daemon.signal(Signal::HUP);
    until_loaded(&daemon, 1.0);
    let metrics = daemon.metrics();
    assert!(!metrics.0.contains(&format!("\"{goes}\"")), "a series of an asset that left is still there");
    assert_eq!(metrics.value("nis2watch_check_state", &[("asset", &stays), ("check", CHECK)]), Some(0.0));
    assert_eq!(daemon.get("/-/ready").status, 200);
    let reply = daemon.post("/-/reload");
    assert_eq!((reply.status, reply.body.as_str()), (200, "the configuration was loaded\n"));
}
