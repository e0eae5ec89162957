//! `validate`: every mistake of every file in one report, and nothing else happens.

use std::net::TcpListener;

use crate::support::{Plant, Ran, run};

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
        ("more.yaml:2:97", "web-4.params.tls-cert-expiry.cert_min_days: expected a whole number", ""),
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
    new_key(&plant, "key", "");
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

/// A key pair of this name beside the configuration.
fn new_key(plant: &Plant, name: &str, passphrase: &str) {
    let path = plant.path(name).display().to_string();
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", &path]);
}

#[test]
fn a_private_key_that_no_login_could_use_is_told_before_the_first_visit() {
    let login =
        |name: &str, more: &str| format!("  {name}: {{ ssh: {{ user: root, key: {{ file: {name} }}{more} }} }}\n");
    let word = ", passphrase: { file: word }";
    let logins = [
        login("sound", ""),
        login("locked", ""),
        login("other", word),
        login("opened", word),
        login("half", ""),
        login("cut", ""),
        login("sound.pub", ""),
        login("copied", ""),
        login("nothing", ""),
    ];
    let plant = Plant::new(&format!("credentials:\n{}", logins.concat()), "");
    for (name, passphrase) in [("sound", ""), ("locked", SECRET), ("other", "another"), ("opened", SECRET)] {
        new_key(&plant, name, passphrase);
    }
    plant.secret("word", SECRET);
    let key = std::fs::read_to_string(plant.path("sound")).unwrap();
    plant.secret("half", &key[..key.len() / 2]);
    plant.secret("cut", &key.replacen("AAAA", "", 1));
    plant.secret("copied", &std::fs::read_to_string(plant.path("sound.pub")).unwrap());
    plant.secret("nothing", SECRET);
    let ran = plant.run(&["validate"]);
    assert_eq!(ran.code, 1);
    assert!(!ran.err.contains(SECRET) && !ran.err.contains("AAAA"), "{}", ran.err);
    let head = std::fs::read_to_string(plant.path("nis2watch.yaml")).unwrap();
    for (name, key, says, advice) in [
        ("locked", "key", "the private key is encrypted", "passphrase: { file: PATH }"),
        ("other", "passphrase", "the passphrase does not open the private key", "ssh-keygen -y"),
        ("half", "key", "the private key is cut off", "copy the whole file again"),
        ("cut", "key", "the private key cannot be read", "ssh-keygen -y"),
        ("sound.pub", "key", "this is a public key", "without .pub"),
        ("copied", "key", "this is a public key", "without .pub"),
        ("nothing", "key", "this is no private key", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ] {
        let line = 1 + head.lines().position(|line| line.starts_with(&format!("  {name}: "))).unwrap();
        let at = format!("nis2watch.yaml:{line}:");
        let place = ran.err.lines().find(|line| line.starts_with(&at)).unwrap_or_else(|| panic!("{name}: {}", ran.err));
        let (told, hint) = entry(&ran, place.split(": ").next().unwrap());
        assert!(told.contains(&format!("credentials.{name}.ssh.{key}: {says}")), "{told}");
        assert!(hint.contains(advice), "{name}: {hint}");
    }
    for sound in ["sound:", "opened:"] {
        assert!(!ran.err.contains(&format!("credentials.{sound}")), "{}", ran.err);
    }
}

/// A fact, a pack and a check of its own, with these lines at the end of the check.
fn own_check(plant: &Plant, lines: &str) {
    plant.write("mine/own/pack.yaml", "id: own\ntitle: Rules of our plant\n");
    let check = "id: own-ports
title: Only known ports answer
version: 1
severity: low
impact: low
controls: [CFG-01]
needs: [tcp.ports]
params: { least: 1 }
assert: [{ fact: tcp.ports.answered, equals: true }]
rationale: A port that nobody knows is watched by nobody.
fix: Close it.
";
    plant.write("mine/own/own-ports.yaml", &format!("{check}{lines}"));
}

#[test]
fn one_mistake_does_not_hide_another_in_the_same_asset() {
    let plant = Plant::new("", "");
    let assets = "- { id: web-1, address: 127.0.0.1, zone: office, kind: linux-host }
- id: web-1
  address: 127.0.0.1
  zone: ofice
  kind: linux-hots
  access: { ssh: { credential: kee, port: 70000 }, exec: { programs: [probe] } }
  windows: [sunday]
  allowed_ports: [0]
  params: { tls-cert-expiry: { cert_min_days: soon } }
- { adress: 127.0.0.1, zone: dmz }
- { id: web-2, address: 127.0.0.1, zone: [office], kind: linux-host }
";
    plant.write("assets.yaml", assets);
    let ran = plant.run(&["validate"]);
    for (place, says, advice) in [
        ("assets.yaml:2:7", "web-1.id: asset \"web-1\" is declared twice, first at assets.yaml:1", ""),
        ("assets.yaml:4:9", "web-1.zone: zone \"ofice\" is not declared", "did you mean \"office\"?"),
        ("assets.yaml:5:9", "web-1.kind: \"linux-hots\" is not known here", "did you mean \"linux-host\"?"),
        ("assets.yaml:6:32", "credential \"kee\" is not declared", "declare it under credentials:"),
        ("assets.yaml:6:43", "web-1.access.ssh.port: expected a whole number from 0 to 65535", ""),
        ("assets.yaml:6:71", "plug-in \"probe\" is not declared", "allow-list it under plugins:"),
        ("assets.yaml:7:13", "web-1.windows[0]: window \"sunday\" is not declared", ""),
        ("assets.yaml:8:18", "web-1.allowed_ports: 0 is no port", ""),
        ("assets.yaml:9:32", "web-1.params.tls-cert-expiry.cert_min_days: expected a whole number", ""),
        ("assets.yaml:10:5", "[2].adress: unknown key \"adress\"", "did you mean \"address\"?"),
        ("assets.yaml:11:42", "web-2.zone: expected text, found a list", ""),
    ] {
        let (line, hint) = entry(&ran, place);
        assert!(line.contains(says) && hint.contains(advice), "{place}: {line} = {hint}\n{}", ran.err);
    }
    assert!(
        ran.err.contains("[2]: key \"id\" is missing") && ran.err.contains("[2]: key \"kind\" is missing"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("key \"zone\" is missing"), "it is there, if wrongly: {}", ran.err);
}

#[test]
fn a_circle_of_jump_hosts_is_told_whatever_else_is_wrong() {
    let host = |id: &str, jump: &str, port: &str| {
        format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: linux-host, access: {{ ssh: {{ credential: word, jump: [{jump}], port: {port} }} }} }}\n"
        )
    };
    let far: String = (0..6).map(|at| host(&format!("far-{at}"), &format!("far-{}", (at + 1) % 6), "22")).collect();
    let plant = Plant::new(
        "credentials: { word: { ssh: { user: root, password: { file: word } } } }",
        &[host("a", "b", "70000"), host("b", "nowhere, a", "22"), host("c", "c, gone", "22"), far].concat(),
    );
    plant.secret("word", SECRET);
    let ran = plant.run(&["validate"]);
    for says in [
        "assets.yaml:1:116: a.access.ssh.port: expected",
        "b.access.ssh.jump[0]: jump host \"nowhere\" is not in the inventory",
        "a.access.ssh.jump: the way goes in a circle: b is reached through nowhere, a",
        "c.access.ssh.jump: the way goes in a circle: c is reached through c, gone",
        "c.access.ssh.jump[1]: jump host \"gone\" is not in the inventory",
        "far-0.access.ssh.jump: the way goes in a circle: ",
    ] {
        assert!(ran.err.contains(says), "{says}: {}", ran.err);
    }
}

#[test]
fn a_wrong_file_of_the_catalogue_hides_no_mistake_of_the_others() {
    let settings = "catalog: { extra: [mine] }\nschedules: { nightly: \"0 3 * * *\" }\nparams: { own-ports: { lest: 2 }, ssh-root-logn: {} }\n";
    let assets = "- { id: web-1, address: 127.0.0.1, zone: office, kind: linux-host, params: { tls-cert-expiry: { cert_min_days: soon } } }";
    let plant = Plant::new(settings, assets);
    own_check(&plant, "schedule: nightli\n");
    plant.write("mine/own/own-other.yaml", "id: own-other\nseverity: hihg\n");
    let ran = plant.run(&["validate"]);
    for (place, says, advice) in [
        ("mine/own/own-other.yaml:2:11", "severity: \"hihg\" is not known here", "did you mean \"high\"?"),
        (
            "mine/own/own-ports.yaml:12:11",
            "schedule: schedule \"nightli\" is not known",
            "did you mean \"nightly\"? known: attestations, ",
        ),
        ("assets.yaml:1:97", "web-1.params.tls-cert-expiry.cert_min_days: expected a whole number", ""),
    ] {
        let (line, hint) = entry(&ran, place);
        assert!(line.contains(says) && hint.contains(advice), "{place}: {line} = {hint}\n{}", ran.err);
    }
    assert!(
        ran.err.contains("there is no parameter `lest`") && ran.err.contains("there is no check `ssh-root-logn`"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("    12 | schedule: nightli\n"), "the line of the check is quoted: {}", ran.err);
}

#[test]
fn a_word_that_no_check_could_match_is_refused_with_the_words_that_there_are() {
    let plant = Plant::new(
        "catalog: { extra: [mine] }",
        "- { id: plc-1, address: 127.0.0.1, zone: cell-1, kind: plc, services: [s7, modbuss, telegraph] }",
    );
    own_check(&plant, "applies_to: { zone: [office, cel-1], service: modbuss }\n");
    let ran = plant.run(&["validate"]);
    for (place, says, advice) in [
        (
            "assets.yaml:1:76",
            "plc-1.services[1]: service \"modbuss\" is not known",
            "did you mean \"modbus\"? known: ssh, ",
        ),
        (
            "assets.yaml:1:85",
            "plc-1.services[2]: service \"telegraph\" is not known",
            "words of your own go under labels:",
        ),
        (
            "mine/own/own-ports.yaml:12:30",
            "applies_to.zone[1]: zone \"cel-1\" is not known",
            "did you mean \"cell-1\"? known: cell-1, dmz, office",
        ),
        (
            "mine/own/own-ports.yaml:12:47",
            "applies_to.service: service \"modbuss\" does not exist (did you mean \"modbus\"?)",
            "",
        ),
    ] {
        let (line, hint) = entry(&ran, place);
        assert!(line.contains(says) && hint.contains(advice), "{place}: {line} = {hint}\n{}", ran.err);
    }
}

#[test]
fn a_store_that_no_daemon_could_open_is_told_and_nothing_is_made() {
    let plant = Plant::new("", "");
    let wanted = plant.path("not/there/store.db");
    let ran = plant.run(&["validate", "--store", wanted.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("store.path: the folder") && ran.err.contains("not/there does not exist"), "{}", ran.err);
    assert!(ran.err.contains("mkdir -p -m 700"), "{}", ran.err);
    assert!(!plant.path("not").exists());

    plant.write("file", "");
    let ran = plant.run(&["validate", "--store", plant.path("file/store.db").to_str().unwrap()]);
    assert!(ran.code == 1 && ran.err.contains("is no folder"), "{}", ran.err);
}

#[test]
fn a_key_that_is_written_twice_is_told_with_both_places() {
    let plant = Plant::new("", "- id: web-1\n  zone: office\n  kind: linux-host\n  zone: cell-1\n");
    let ran = plant.run(&["validate"]);
    let (line, hint) = entry(&ran, "assets.yaml:4:3");
    assert!(line.contains("[0].zone: this key is written twice, first in line 2, column 3"), "{line}");
    assert!(hint.contains("keep one of them"), "{hint}");
}

#[test]
fn a_plug_in_that_is_not_there_and_privacy_without_auth_come_with_a_way_out() {
    let settings = "plugins: { check_x: /nowhere/check_x }
credentials: { v3: { snmp: { version: 3, user: u, privacy: { protocol: aes128, password: { file: word } } } } }";
    let plant = Plant::new(settings, "");
    plant.secret("word", SECRET);
    let ran = plant.run(&["validate"]);
    for (says, advice) in [
        ("plugins.check_x: there is no program /nowhere/check_x", "install the plug-in"),
        ("credentials.v3.snmp.privacy: privacy without auth", "add auth: { protocol: sha256"),
    ] {
        assert!(ran.err.contains(says) && ran.err.contains(advice), "{says}: {}", ran.err);
    }
}

#[test]
fn explain_says_what_a_check_means_for_one_asset_and_who_sets_its_parameters() {
    let settings = "params: { tls-cert-expiry: { cert_min_days: 20 } }";
    let assets = "- { id: web-1, address: 127.0.0.1, zone: office, kind: web-service, params: { tls-cert-expiry: { cert_min_days: 9 } } }
- { id: web-2, address: 127.0.0.1, zone: office, kind: web-service }
- { id: ups-1, address: 127.0.0.1, zone: office, kind: ups }
";
    let plant = Plant::new(settings, assets);
    let own = plant.run(&["explain", "tls-cert-expiry", "--asset", "web-1"]);
    assert_eq!((own.code, own.err.as_str()), (0, ""));
    for says in
        ["On web-1", "cert_min_days = 9 (the asset)", "asked      tls.services: tls, ", "verdict    none so far"]
    {
        assert!(own.out.contains(says), "{says}: {}", own.out);
    }
    let other = plant.run(&["explain", "tls-cert-expiry", "--asset", "web-2"]).out;
    assert!(other.contains("cert_min_days = 20 (the configuration)"), "{other}");
    let stranger = plant.run(&["explain", "ssh-root-login", "--asset", "ups-1"]).out;
    assert!(stranger.contains("does not concern it: is for kind"), "{stranger}");
    assert!(!plant.path("store.db").exists());

    plant.run(&["check", "--check", "tls-cert-expiry", "--asset", "web-2"]);
    let judged = plant.run(&["explain", "tls-cert-expiry", "--asset", "web-2"]).out;
    assert!(judged.contains(" since 20") && judged.contains(", judged 20"), "{judged}");
}
