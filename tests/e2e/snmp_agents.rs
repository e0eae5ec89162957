//! Agents over SNMP: the versions say the same, and a wrong password is no silence.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Agent, Daemon, Plant, Snmpd};

const USER: &str = "createUser monitor SHA-256 \"lab-auth-pass\" AES \"lab-priv-pass\"\nrouser monitor priv";
const CREDENTIALS: &str = "credentials:
  v2c:   { snmp: { version: 2c, community: { file: community } } }
  lost:  { snmp: { version: 2c, community: { file: lost } } }
  v3:    { snmp: { version: 3, user: monitor, auth: { protocol: sha256, password: { file: auth } }, privacy: { protocol: aes128, password: { file: priv } } } }
  wrong-auth: { snmp: { version: 3, user: monitor, auth: { protocol: sha256, password: { file: lost } }, privacy: { protocol: aes128, password: { file: priv } } } }
  wrong-priv: { snmp: { version: 3, user: monitor, auth: { protocol: sha256, password: { file: auth } }, privacy: { protocol: aes128, password: { file: lost } } } }
  wrong-user: { snmp: { version: 3, user: nobody, auth: { protocol: sha256, password: { file: auth } }, privacy: { protocol: aes128, password: { file: priv } } } }
";

fn asset(id: &str, credential: &str, port: u16) -> String {
    format!(
        "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: network-device, access: {{ snmp: {{ credential: {credential}, \
         port: {port}, timeout: 1s, retries: 1 }} }} }}\n"
    )
}

fn plant(assets: &[String]) -> Plant {
    plant_with("", assets)
}

fn plant_with(settings: &str, assets: &[String]) -> Plant {
    let plant = Plant::new(&format!("{CREDENTIALS}{settings}"), &assets.concat());
    for (name, secret) in
        [("community", "plant-word"), ("lost", "not-the-word"), ("auth", "lab-auth-pass"), ("priv", "lab-priv-pass")]
    {
        plant.secret(name, secret);
    }
    plant
}

/// Facts without what changes from one moment to the next.
fn still(mut answer: Value) -> Value {
    answer["facts"]["snmp"]["system"]["uptime"] = Value::Null;
    answer["facts"].take()
}

#[test]
fn version_2c_and_an_encrypted_version_3_say_the_same() {
    let agent = Snmpd::start(&format!("rocommunity plant-word 127.0.0.1\n{USER}"));
    let plant = plant(&[asset("plain", "v2c", agent.port), asset("sealed", "v3", agent.port)]);
    let wanted = ["--fact", "snmp.system", "--fact", "snmp.product"];
    let [plain, sealed] = ["plain", "sealed"].map(|id| still(plant.facts(id, &wanted)));
    assert_eq!(plain, sealed);
    assert_eq!(plain["snmp"]["system"]["name"], "sw1");
    assert_eq!(plain["snmp"]["system"]["descr"], "Managed switch, firmware 4.2.1");
}

/// The chassis of ENTITY-MIB, as an agent of any maker shows it.
const CHASSIS: &str = "override .1.3.6.1.2.1.47.1.1.1.1.5.1 integer 3
override .1.3.6.1.2.1.47.1.1.1.1.10.1 octet_str \"V2.4.7\"
override .1.3.6.1.2.1.47.1.1.1.1.11.1 octet_str \"EX00000042\"
override .1.3.6.1.2.1.47.1.1.1.1.12.1 octet_str \"Examplenet\"
override .1.3.6.1.2.1.47.1.1.1.1.13.1 octet_str \"EX-2408\"";

#[test]
fn a_device_of_any_maker_is_known_by_its_chassis_and_one_that_only_describes_itself_is_not() {
    let community = "rocommunity plant-word 127.0.0.1";
    let (chassis, bare) = (Snmpd::start(&format!("{community}\n{CHASSIS}")), Snmpd::start(community));
    let plant = plant(&[asset("chassis", "v2c", chassis.port), asset("bare", "v2c", bare.port)]);
    let known = plant.facts("chassis", &["--fact", "device"]);
    let device = &known["facts"]["device"];
    let said =
        ["vendor", "model", "version", "serial", "scheme"].map(|field| device[field].as_str().unwrap_or_default());
    assert_eq!(said, ["Examplenet", "EX-2408", "2.4.7", "EX00000042", "numeric"], "{known}");
    assert_eq!(device["anchored"], true);
    assert_eq!(device["source"]["version"], "entPhysicalSoftwareRev.1");
    // "Managed switch, firmware 4.2.1" may be the firmware of this switch, or not
    let unknown = plant.facts("bare", &["--fact", "device"]);
    assert_eq!(unknown["facts"]["device"], Value::Null, "{unknown}");
    assert_eq!(unknown["causes"]["device"]["cause"], "no_data", "{unknown}");
}

#[test]
fn a_vendor_is_added_by_a_file_and_a_mistake_in_it_is_named_by_its_line() {
    let agent = Snmpd::start("rocommunity plant-word 127.0.0.1");
    let product = "vendor: Examplenet
family: Managed switches
sys_object_id: 1.3.6.1.4.1.8072.3.2.10
descr: '^Managed switch, firmware '
version:
  - { from: descr, regex: '^Managed switch, firmware (?P<version>[0-9]+(?:[.][0-9]+)+)$' }
examples:
  - { text: 'Managed switch, firmware 4.2.1', version: 4.2.1 }
";
    let minimum = |least: &str| format!("params: {{ firmware-minimum-version: {{ min_version: {least} }} }}");
    let switch = |id: &str, least: &str| {
        asset(id, "v2c", agent.port).replace("access:", &format!("{}, access:", minimum(least)))
    };
    let settings = "catalog: { extra: [mine] }
credentials: { v2c: { snmp: { version: 2c, community: { file: community } } } }";
    let plant = Plant::new(settings, &[switch("new", "4.2.1"), switch("old", "'4.10'")].concat());
    plant.secret("community", "plant-word");
    plant.write("mine/facts/snmp/products/examplenet.yaml", product);
    let ran = plant.check(&["--check", "firmware-minimum-version"]);
    assert_eq!(
        ran.state("new", "firmware-minimum-version"),
        "pass",
        "{}",
        ran.reason("new", "firmware-minimum-version")
    );
    assert_eq!(
        ran.state("old", "firmware-minimum-version"),
        "fail",
        "{}",
        ran.reason("old", "firmware-minimum-version")
    );

    let loose =
        product.replace("'^Managed switch, firmware (?P<version>[0-9]+(?:[.][0-9]+)+)$'", "'(?P<version>[0-9.]+)'");
    plant.write("mine/facts/snmp/products/examplenet.yaml", &loose);
    let refused = plant.run_plain(&["catalog", "lint", "--extra", "mine"]);
    assert_ne!(refused.code, 0);
    let said = format!("{}{}", refused.out, refused.err);
    assert!(said.contains("products/examplenet.yaml:6:5: version[0]"), "{said}");
    assert!(said.contains("put the words that stand before the version in front of it"), "{said}");
}

#[test]
fn a_wrong_password_is_told_apart_from_silence() {
    let agent = Snmpd::start(&format!("rocommunity plant-word 127.0.0.1\n{USER}"));
    let silent = Agent::start();
    let closed = {
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap().port()
    };
    let cases = [
        ("right", "v3", agent.port, ""),
        ("wrong-auth", "wrong-auth", agent.port, "auth"),
        ("wrong-priv", "wrong-priv", agent.port, "auth"),
        ("wrong-user", "wrong-user", agent.port, "auth"),
        ("wrong-word", "lost", agent.port, "timeout"),
        ("silent-v2c", "v2c", silent.port, "timeout"),
        ("silent-v3", "v3", silent.port, "timeout"),
        ("closed", "v3", closed, "timeout"),
    ];
    let assets: Vec<String> = cases.iter().map(|(id, credential, port, _)| asset(id, credential, *port)).collect();
    let plant = plant(&assets);
    let ran = plant.check(&["--check", "firmware-minimum-version"]);
    let asked = |id: &str| plant.facts(id, &["--fact", "snmp.system"]);
    // side by side, because most of them wait for an answer that never comes
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|(id, ..)| scope.spawn(move || asked(id))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for ((id, _, _, cause), answer) in cases.iter().zip(answers) {
        let found = answer["causes"]["snmp.system"]["cause"].as_str().unwrap_or_default();
        assert_eq!(found, *cause, "{id}: {answer}");
        // without an approved minimum nothing passes, but the cause is the first thing to know
        let state = ran.state(id, "firmware-minimum-version");
        assert!(state.starts_with("unknown"), "{id}: {state}");
    }
    assert!(!ran.out.contains("not-the-word") && !ran.out.contains("lab-auth-pass"));
    assert!(silent.datagrams() > 0);
}

#[test]
fn an_agent_that_answers_old_versions_fails_and_one_that_does_not_passes() {
    let (old, new) = (Snmpd::start(&format!("rocommunity public 127.0.0.1\n{USER}")), Snmpd::start(USER));
    let silent = Agent::start();
    let assets = [
        asset("old", "v3", old.port),
        asset("new", "v3", new.port),
        asset("new-unasked", "v2c", new.port),
        asset("silent", "v3", silent.port),
    ];
    let plant = plant(&assets);
    let check = "snmp-v3-only";
    let ran = plant.check(&["--check", check]);
    let state = |id| ran.state(id, check);
    assert_eq!((state("old").as_str(), state("new").as_str()), ("fail", "pass"), "{}", ran.reason("new", check));
    assert!(ran.reason("old", check).contains("public"), "{}", ran.reason("old", check));
    for id in ["new-unasked", "silent"] {
        assert!(state(id).starts_with("unknown"), "{id}: {} {}", state(id), ran.reason(id, check));
    }
}

/// A GET of version 2c with a community that no agent here knows.
const GUESS: &[u8] = b"\x30\x26\x02\x01\x01\x04\x06wrong1\xa0\x19\x02\x04\0\0\0\x01\x02\x01\0\x02\x01\0\
    \x30\x0b\x30\x09\x06\x05\x2b\x06\x01\x02\x01\x05\0";

#[test]
fn guessing_at_an_agent_shows_at_the_next_visit() {
    let agent = Snmpd::start(USER);
    let plant = plant_with("schedules: { reachability: { every: 1s } }\n", &[asset("sw1", "v3", agent.port)]);
    let daemon = Daemon::start(&plant);
    let (check, restart) = ("snmp-auth-failures", "device-unexpected-reboot");
    daemon.until_state("sw1", check, 0.0, Duration::from_mins(1));
    let guesser = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..15 {
        guesser.send_to(GUESS, ("127.0.0.1", agent.port)).unwrap();
    }
    daemon.until_state("sw1", check, 2.0, Duration::from_secs(30));
    // pass or fail by the uptime of this machine, but never unknown: the agent shows its clocks
    assert!(daemon.state("sw1", restart).is_some_and(|state| state < 2.5));
}
