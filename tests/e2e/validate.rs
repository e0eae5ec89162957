//! `validate`: every mistake of every file in one report, and nothing else happens.

use std::net::TcpListener;

use crate::support::{Plant, Ran};

/// Nothing of this may be shown.
const SECRET: &str = "hunter2";

/// A configuration and two inventories with a mistake of each sort.
fn wrong() -> Plant {
    let plant = Plant::new("", "");
    let configuration = r#"site: lab
inventory: [assets.yaml, more.yaml]
store: { path: store.db }
api: { listen: "127.0.0.1:99999" }
shedules: {}
schedules: { posture: "0 3 * * Fnu" }
credentials:
  key: { ssh: { user: root, key: { file: key } } }
  old: { snmp: { version: 2c, comunity: hunter2 } }
zones:
  - { id: office, role: it }
params:
  tls-cert-expiry: { cert_min_days: soon }
  ssh-root-logn: { allow_key_root: true }
"#;
    plant.write("nis2watch.yaml", configuration);
    let assets = "- id: web-1
  address: 127.0.0.1
  zone: ofice
  kind: linux-host
  access: { ssh: { credential: kee } }
- id: web-2
  address: 127.0.0.1
  zone: office
  kind: linux-host
  access: { ssh: { credential: key, port: 70000 } }
";
    plant.write("assets.yaml", assets);
    let more = "- { id: web-1, address: 127.0.0.1, zone: office, kind: linux-host }
- { id: web-4, address: 127.0.0.1, zone: office, kind: linux-host, params: { tls-cert-expiry: { cert_min_days: later } } }
- { id: web-3, adress: 127.0.0.1, zone: office, kind: linux-hots, access: { local: {} } }
";
    plant.write("more.yaml", more);
    plant.write("key", SECRET);
    plant.allow("key", 0o640);
    plant
}

/// The line of the report that names this place, and the advice below it.
fn entry<'a>(ran: &'a Ran, place: &str) -> (&'a str, &'a str) {
    let mut lines = ran.err.lines().skip_while(|line| !line.starts_with(&format!("{place}: ")));
    let first = lines.next().unwrap_or_else(|| panic!("nothing at {place}: {}", ran.err));
    let hint = lines.take_while(|line| line.starts_with(' ')).find_map(|line| line.trim_start().strip_prefix("= "));
    (first, hint.unwrap_or_default())
}

#[test]
fn all_mistakes_of_all_files_are_in_one_report_with_place_key_and_advice() {
    let ran = wrong().run(&["validate"]);
    assert_eq!(ran.code, 1);
    let expected = [
        ("nis2watch.yaml:4:16", "api.listen: \"127.0.0.1:99999\" is no IP address with a port", ""),
        ("nis2watch.yaml:5:1", "unknown key \"shedules\"", "did you mean \"schedules\"?"),
        ("nis2watch.yaml:6:23", "schedules.posture: \"0 3 * * Fnu\" is no cron line: \"Fnu\" is no weekday", ""),
        ("nis2watch.yaml:8:34", "credentials.key.ssh.key: key is open to others (mode 640)", "chmod 600 key"),
        ("nis2watch.yaml:9:31", "unknown key \"comunity\"", "did you mean \"community\"?"),
        ("nis2watch.yaml:13:37", "params.tls-cert-expiry.cert_min_days", ""),
        ("nis2watch.yaml:14:18", "ssh-root-logn", "did you mean \"ssh-root-login\"?"),
        ("assets.yaml:3:9", "web-1.zone: zone \"ofice\" is not declared", "did you mean \"office\"?"),
        ("assets.yaml:5:32", "credential \"kee\" is not declared", "did you mean \"key\"?"),
        ("assets.yaml:10:43", "web-2.access.ssh.port", ""),
        ("more.yaml:1:9", "asset \"web-1\" is declared twice, first at assets.yaml:1", ""),
        ("more.yaml:2:76", "web-4.params.tls-cert-expiry.cert_min_days: expected a whole number", ""),
        ("more.yaml:3:16", "unknown key \"adress\"", "did you mean \"address\"?"),
        ("more.yaml:3:55", "\"linux-hots\" is not known here", "did you mean \"linux-host\"?"),
    ];
    for (place, says, advice) in expected {
        let (line, hint) = entry(&ran, place);
        assert!(line.contains(says) && hint.contains(advice), "{place}: {line} = {hint}");
    }
    let entries = ran.err.lines().skip(1).filter(|line| !line.is_empty() && !line.starts_with(' ')).count();
    assert_eq!(ran.err.lines().next(), Some(format!("nis2watch: {entries} mistakes in the files read").as_str()));
}

#[test]
fn a_report_holds_no_secret_wherever_it_was_written() {
    let ran = wrong().run(&["validate"]);
    assert!(!ran.err.contains(SECRET) && !ran.out.contains(SECRET), "{}", ran.err);
}

#[test]
fn a_valid_configuration_opens_no_socket_and_makes_no_file() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = "credentials: { key: { ssh: { user: root, key: { file: key } } } }";
    let plant = Plant::new(
        settings,
        "- { id: web-1, address: 127.0.0.1, zone: office, kind: linux-host, access: { ssh: { credential: key } } }",
    );
    plant.secret("key", SECRET);
    let listen = taken.local_addr().unwrap().to_string();
    let ran = plant.run(&["validate", "--listen", &listen]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("is valid: 1 assets in 3 zones"), "{}", ran.out);
    assert!(!plant.path("store.db").exists());
}

#[test]
fn the_same_report_meets_every_command_that_loads_the_files() {
    let plant = wrong();
    let report = plant.run(&["validate"]).err;
    for words in [&["run"][..], &["check"], &["plan"], &["facts", "--asset", "web-1"]] {
        let ran = plant.run(words);
        assert_eq!((ran.code, &ran.err), (1, &report), "{words:?}");
    }
}
