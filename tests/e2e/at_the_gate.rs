//! What a fragile device really receives.

use std::time::{Duration, Instant};

use crate::support::{Agent, Contact, Daemon, Device, Manner, Plant, Ran, early, never, until};

/// Shortest time between the end of a connection and the start of the next.
const GAP: Duration = Duration::from_secs(5);
/// The device notes an end a little late and a start a little late, too.
const BLUR: Duration = Duration::from_millis(250);
/// How long the daemon is watched.
const MINUTE: Duration = Duration::from_mins(1);
const PORTS: &str = "asset-open-ports";

/// A controller with two open ports.
struct Controller {
    ports: [Device; 2],
}

impl Controller {
    fn start() -> Self {
        Self { ports: [Device::start(Manner::Silent), Device::start(Manner::Says("PLC 7\r\n"))] }
    }

    fn asset(&self, id: &str, zone: &str, access: &str) -> String {
        let ports = format!("[{}, {}]", self.ports[0].port, self.ports[1].port);
        format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: {zone}, kind: plc, allowed_ports: {ports}, access: {{ {access} }}, \
             params: {{ {PORTS}: {{ probe_ports: {ports} }}, cleartext-admin-services: {{ ports: {ports} }} }} }}\n"
        )
    }

    /// All connections, by their start.
    fn contacts(&self) -> Vec<Contact> {
        in_order(self.ports.iter().flat_map(Device::contacts))
    }
}

fn in_order(contacts: impl Iterator<Item = Contact>) -> Vec<Contact> {
    let mut all: Vec<Contact> = contacts.collect();
    all.sort_by_key(|contact| contact.came);
    all
}

/// One at a time, with the gap between, and not one byte.
fn assert_gentle(contacts: &[Contact]) {
    for pair in contacts.windows(2) {
        let went = pair[0].went.expect("a connection was open when the next came");
        let gap = pair[1].came.saturating_duration_since(went);
        assert!(gap + BLUR >= GAP, "only {gap:?} between two connections");
    }
    assert!(contacts.iter().all(|contact| contact.bytes == 0), "{contacts:?}");
}

/// Never two at once.
fn assert_alone(contacts: &[Contact]) {
    for pair in contacts.windows(2) {
        let went = pair[0].went.expect("a connection was open when the next came");
        assert!(pair[1].came + BLUR >= went, "two connections at once");
    }
}

pub(crate) fn one_round_sends_no_more_than_the_plan_says() {
    let controller = Controller::start();
    let plant = Plant::new("", &controller.asset("plc-1", "cell-1", ""));
    let planned = plant.run(&["plan", "--asset", "plc-1", "--format", "json"]).json();
    assert_eq!(controller.contacts().len(), 0, "a plan is only paper");
    assert_eq!((&planned[0]["class"], &planned[0]["limits"]["gap_seconds"]), (&"fragile".into(), &5.0.into()));
    let questions = planned[0]["questions"].as_array().unwrap();
    let question = questions.iter().find(|question| question["fact"] == "tcp.ports").unwrap();
    let mut ports = [controller.ports[0].port, controller.ports[1].port];
    ports.sort_unstable();
    assert_eq!(question["question"], format!("TCP connect to {}, {}", ports[0], ports[1]));

    let ran = plant.check(&["--check", PORTS]);
    assert_eq!(ran.state("plc-1", PORTS), "pass", "{}", ran.reason("plc-1", PORTS));
    assert_eq!(controller.contacts().len(), 2);
    assert!(question["at_most"]["connections"].as_u64().unwrap() >= 2, "{question}");
    assert_gentle(&controller.contacts());
}

pub(crate) fn a_minute_of_checks_due_every_second_keeps_the_rules_and_the_books_are_true() {
    let (one, two, sealed, agent) = (Controller::start(), Controller::start(), Controller::start(), Agent::start());
    let ids: Vec<String> = ["plc-a", "plc-b", "plc-c"].map(early).to_vec();
    let snmp = format!("snmp: {{ credential: word, port: {} }}", agent.port);
    let assets = [
        one.asset(&ids[0], "cell-1", ""),
        two.asset(&ids[1], "cell-1", ""),
        // fragile by its kind, wherever it stands
        sealed.asset(&ids[2], "office", &snmp),
    ];
    let settings = "schedules: { exposure: { every: 1s }, posture: { every: 1s } }\n\
                    credentials: { word: { snmp: { version: 2c, community: { file: word } } } }\n";
    // what looks at many ports would use up the hour's connections before it comes to these
    let checks = ["core/asset-open-ports", "iot-snmp/cleartext-admin-services", "iot-snmp/snmp-v3-only"];
    let plant = Plant::of_checks(&checks, settings, &assets.concat());
    plant.secret("word", "plant-word");
    let daemon = Daemon::start(&plant);
    until("the first contact", Duration::from_secs(100), || (!one.contacts().is_empty()).then_some(()));
    let start = Instant::now();
    until("a minute has passed", MINUTE + Duration::from_secs(5), || (start.elapsed() >= MINUTE).then_some(()));
    assert_eq!(daemon.post("/-/stop-traffic").status, 200);
    let all = [&one, &two, &sealed];
    until("the last connection is gone", Duration::from_secs(2), || {
        let mut contacts = all.iter().flat_map(|controller| controller.contacts());
        contacts.all(|contact| contact.went.is_some()).then_some(())
    });
    let cell = in_order(one.contacts().into_iter().chain(two.contacts()));
    assert_alone(&cell);

    let metrics = daemon.metrics();
    for (controller, id) in all.iter().zip(&ids) {
        let contacts = controller.contacts();
        assert_gentle(&contacts);
        let booked = |name: &str, transport: &str| metrics.sum(name, &[("asset", id), ("transport", transport)]);
        let seen = u32::try_from(contacts.len()).unwrap();
        let connections = booked("nis2watch_gate_connections_total", "tcp");
        assert!((connections - f64::from(seen)).abs() < 0.1, "{id}: {connections} booked, {seen} seen");
        assert!(booked("nis2watch_gate_sent_bytes_total", "tcp") < 0.1, "{id}");
        if *id != ids[2] {
            // how far apart they are has been looked at; the other of the two may have begun long before
            assert!(seen >= 3, "{id}: {seen} connections in a minute");
            continue;
        }
        let datagrams = u32::try_from(agent.datagrams()).unwrap();
        let packets = booked("nis2watch_gate_packets_total", "snmp");
        assert!((packets - f64::from(datagrams)).abs() < 0.1 && datagrams > 0, "{packets} booked, {datagrams} seen");
    }
}

pub(crate) fn a_round_by_hand_leaves_a_fragile_asset_to_the_running_daemon() {
    let controller = Controller::start();
    let id = early("plc");
    // once in the first round, then not for a day
    let settings = "schedules: { exposure: { every: 24h }, posture: { every: 24h } }\n";
    let plant = Plant::of_checks(
        &["core/asset-open-ports", "iot-snmp/cleartext-admin-services"],
        settings,
        &controller.asset(&id, "cell-1", ""),
    );
    let daemon = Daemon::start(&plant);
    daemon.until_state(&id, PORTS, 0.0, Duration::from_mins(2));
    until("the visit is over", Duration::from_mins(1), || {
        (daemon.metrics().value("nis2watch_visits_in_flight", &[]) == Some(0.0)).then_some(())
    });
    let before = controller.contacts().len();
    let ran: Ran = plant.check(&["--check", PORTS]);
    assert_eq!((ran.code, ran.state(&id, PORTS).as_str()), (0, "pass"));
    assert!(ran.err.contains("of fragile assets the last verdicts of the daemon are shown"), "{}", ran.err);
    for words in [&["facts", "--asset", &id][..], &["record", "--asset", &id][..]] {
        let ran = plant.run(words);
        assert_eq!(ran.code, 1, "{words:?}: {}", ran.out);
        assert!(ran.err.contains("daemon"), "{}", ran.err);
    }
    never("the controller was contacted", Duration::from_secs(1), || controller.contacts().len() != before);
}
