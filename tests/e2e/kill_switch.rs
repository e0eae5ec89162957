//! The kill switch: nothing reaches a device any more, also after a restart.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Daemon, Device, Manner, Plant, early, never, request, until};

const ACTIVE: &str = "nis2watch_active";

pub(crate) fn stop_traffic_cuts_what_is_open_and_holds_over_a_restart_until_resumed() {
    let device = Device::start(Manner::Silent);
    let asset = |id: &str| {
        format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: web-service, access: {{ tls: {{ ports: [{}] }} }} }}\n",
            device.port
        )
    };
    let id = early("cam");
    let plant = Plant::new("schedules: { certificates: { every: 1s } }\n", &asset(&id));
    let mut daemon = Daemon::start(&plant);
    // a handshake that nobody answers: it is open for seconds
    let open = || device.contacts().iter().any(|contact| contact.went.is_none() && contact.bytes > 0);
    until("a handshake is under way", Duration::from_secs(100), || open().then_some(()));
    assert_eq!(daemon.metrics().value(ACTIVE, &[]), Some(1.0));

    let reply = daemon.post("/-/stop-traffic");
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("/-/resume-traffic"), "{}", reply.body);
    // an open handshake would otherwise wait for its five seconds
    until("what was open is cut", Duration::from_secs(1), || {
        device.contacts().iter().all(|contact| contact.went.is_some()).then_some(())
    });
    let stopped = device.totals();
    assert_eq!(daemon.metrics().value(ACTIVE, &[]), Some(0.0));
    never("the device was contacted", Duration::from_secs(4), || device.totals() != stopped);
    let unknown = [("asset", id.as_str()), ("cause", "inactive")];
    until("the verdict says so", Duration::from_secs(10), || {
        (daemon.metrics().sum("nis2watch_check_unknown", &unknown) > 0.0).then_some(())
    });

    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended(Duration::from_secs(20)).code(), Some(0));
    // under another name its turn comes soon again
    let id = early("cam");
    plant.write("assets.yaml", &asset(&id));
    let daemon = Daemon::start(&plant);
    assert_eq!(daemon.metrics().value(ACTIVE, &[]), Some(0.0));
    // a round by hand obeys as well
    let ran = plant.check(&["--check", "tls-cert-expiry"]);
    assert_eq!((ran.code, ran.state(&id, "tls-cert-expiry").as_str()), (101, "unknown inactive"));
    until("checks fell due and were held back", Duration::from_secs(100), || {
        (daemon.metrics().sum("nis2watch_gate_refused_total", &[("asset", &id)]) > 2.0).then_some(())
    });
    assert_eq!(device.totals(), stopped);

    assert_eq!(daemon.post("/-/resume-traffic").status, 200);
    until("the device is contacted again", Duration::from_secs(15), || (device.totals().0 > stopped.0).then_some(()));
    assert_eq!(daemon.metrics().value(ACTIVE, &[]), Some(1.0));
}

#[test]
fn a_page_of_another_site_cannot_act() {
    let plant = Plant::new("", "- { id: desk, zone: office, kind: org }\n");
    let daemon = Daemon::start(&plant);
    let own = format!("http://127.0.0.1:{}", daemon.port);
    let cases = [
        (vec![("Origin", "http://evil.example")], 403),
        (vec![("Origin", "null")], 403),
        (vec![("Sec-Fetch-Site", "cross-site")], 403),
        // a name of the attacker's that points to loopback
        (vec![("Host", "evil.example"), ("Origin", "http://evil.example")], 421),
        (vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")], 200),
        (vec![], 200),
    ];
    for (headers, status) in cases {
        for path in ["/-/reload", "/-/resume-traffic", "/-/stop-traffic"] {
            let reply = request("POST", daemon.port, path, &headers).unwrap();
            assert_eq!(reply.status, status, "{path} {headers:?}: {}", reply.body);
        }
        let active = f64::from(u8::from(status != 200));
        assert_eq!(daemon.metrics().value(ACTIVE, &[]), Some(active), "{headers:?}");
        daemon.post("/-/resume-traffic");
    }
    assert_eq!(daemon.get("/-/stop-traffic").status, 405, "a link must not stop anything");
}
