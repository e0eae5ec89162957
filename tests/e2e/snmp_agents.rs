//! Agents over SNMP: the versions say the same, and a wrong password is no silence.

use serde_json::Value;

use crate::support::{Agent, Plant, Snmpd};

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
    let plant = Plant::new(CREDENTIALS, &assets.concat());
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
    let wanted = ["--fact", "snmp.system", "--fact", "snmp.entity"];
    let [plain, sealed] = ["plain", "sealed"].map(|id| still(plant.facts(id, &wanted)));
    assert_eq!(plain, sealed);
    assert_eq!(plain["snmp"]["system"]["name"], "sw1");
    assert_eq!(plain["snmp"]["system"]["descr"], "Managed switch, firmware 4.2.1");
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
