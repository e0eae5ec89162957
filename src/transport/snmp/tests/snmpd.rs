//! Against the agent that most of the world runs. Skipped where it is not installed, but not in CI.

use std::process::Stdio;
use std::time::Instant;

use tokio::process::{Child, Command};

use super::*;

const AUTH: &str = "lab-auth-pass";
const PRIV: &str = "lab-priv-pass";
const SYSTEM: &str = "1.3.6.1.2.1.1";
const OBJECTS: &str = "1.3.6.1.2.1.1.9";
const NAME: &str = "1.3.6.1.2.1.1.5.0";
const UPTIME: &str = "1.3.6.1.2.1.1.3.0";

const USERS: [(&str, AuthProtocol, PrivProtocol, &str); 5] = [
    ("shaaes", AuthProtocol::Sha1, PrivProtocol::Aes128, "SHA AES"),
    ("sha256aes256", AuthProtocol::Sha256, PrivProtocol::Aes256, "SHA-256 AES-256"),
    ("md5des", AuthProtocol::Md5, PrivProtocol::Des, "MD5 DES"),
    ("sha512aes", AuthProtocol::Sha512, PrivProtocol::Aes128, "SHA-512 AES"),
    ("sha256aes192", AuthProtocol::Sha256, PrivProtocol::Aes192, "SHA-256 AES-192"),
];

struct Snmpd {
    port: u16,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Snmpd {
    /// Starts one on a free port and waits until it answers.
    async fn start() -> Option<Self> {
        if !has("snmpd").await {
            assert!(std::env::var_os("CI").is_none(), "snmpd is missing in CI");
            eprintln!("skipped: snmpd is not installed");
            return None;
        }
        for _ in 0..5 {
            if let Some(started) = Self::try_start().await {
                return Some(started);
            }
        }
        panic!("snmpd did not start");
    }

    async fn try_start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = folder.path().join("snmpd.conf");
        std::fs::write(&config, configuration()).unwrap();
        let child = Command::new("snmpd")
            .args(["-f", "-Lo", "-C", "-I", "-smux", "-c"])
            .arg(&config)
            .arg(format!("udp:127.0.0.1:{port}"))
            .env("MIBS", "")
            .env("PATH", search_path())
            .env("SNMP_PERSISTENT_DIR", folder.path().join("persist"))
            .env("SNMPCONFPATH", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let access = Access { retries: Some(0), ..v2c(port) };
        for _ in 0..25 {
            if ask_one(&access, &[NAME], &[]).await.is_ok() {
                return Some(Self { port, _child: child, _folder: folder });
            }
        }
        None
    }
}

fn configuration() -> String {
    let user = |(name, _, _, protocols): &(&str, AuthProtocol, PrivProtocol, &str)| {
        let (auth, privacy) = protocols.split_once(' ').unwrap();
        format!("createUser {name} {auth} \"{AUTH}\" {privacy} \"{PRIV}\"\nrouser {name} priv\n")
    };
    let users = USERS.iter().map(user).collect::<Vec<_>>().concat();
    format!(
        "rocommunity public 127.0.0.1\n{users}createUser noauth\nrouser noauth noauth\n\
         sysDescr Managed switch, firmware 4.2.1\nsysLocation Hall 3, cell 1\nsysContact ot@lab.invalid\n\
         sysName sw1\nsysObjectID .1.3.6.1.4.1.8072.3.2.10\n"
    )
}

#[expect(clippy::disallowed_methods, reason = "looks for a free port")]
fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn search_path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

async fn has(program: &str) -> bool {
    let mut version = Command::new(program);
    version.arg("-v").env("PATH", search_path()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().await.is_ok()
}

fn user(port: u16, at: usize, auth: &str, privacy: &str) -> Access {
    let (name, auth_protocol, priv_protocol, _) = USERS[at];
    let credential = Credential::User {
        name: name.into(),
        auth: Some((auth_protocol, Secret::new(auth.into()))),
        privacy: Some((priv_protocol, Secret::new(privacy.into()))),
        context: String::new(),
    };
    let timeout = Some(Duration::from_secs(1));
    Access { port, timeout, retries: Some(1), ..Access::new(Version::V3, credential) }
}

#[tokio::test]
async fn every_version_and_every_user_reads_the_same_system() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let expected = ask_one(&v2c(snmpd.port), &[NAME], &[OBJECTS]).await.unwrap();
    assert_eq!(expected[0].value, Value::text("sw1"));
    assert!(expected.len() > 10, "{expected:?}");
    let v1 = Access { version: Version::V1, ..v2c(snmpd.port) };
    assert_eq!(ask_one(&v1, &[NAME], &[OBJECTS]).await.unwrap(), expected);
    for (at, (name, ..)) in USERS.iter().enumerate() {
        let binds = ask_one(&user(snmpd.port, at, AUTH, PRIV), &[NAME], &[OBJECTS]).await;
        assert_eq!(binds.unwrap(), expected, "{name}");
    }
    let noauth = Credential::User { name: "noauth".into(), auth: None, privacy: None, context: String::new() };
    let noauth = Access { credential: noauth, ..user(snmpd.port, 0, AUTH, PRIV) };
    assert_eq!(ask_one(&noauth, &[NAME], &[OBJECTS]).await.unwrap(), expected);
}

#[tokio::test]
async fn walks_equal_those_of_snmpbulkwalk() {
    let Some(snmpd) = Snmpd::start().await else { return };
    for root in [OBJECTS, "1.3.6.1.6.3.16", "1.3.6.1.2.1.99999"] {
        let ours = ask_one(&user(snmpd.port, 1, AUTH, PRIV), &[], &[root]).await.unwrap();
        let ours: Vec<String> = ours.iter().map(|bind| format!("{} {}", bind.oid, bind.value)).collect();
        assert_eq!(ours, bulkwalk(snmpd.port, root).await);
    }
}

/// `oid value` lines without the tool's quotes and leading dots.
async fn bulkwalk(port: u16, root: &str) -> Vec<String> {
    let target = format!("127.0.0.1:{port}");
    let args = ["-v2c", "-c", "public", "-Onqte", &target, root];
    let output = Command::new("snmpbulkwalk").args(args).env("MIBS", "").output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().filter(|line| !line.contains("No Such") && !line.contains("No more variables"));
    rows.map(|line| {
        let (oid, value) = line.split_once(' ').unwrap();
        format!("{} {}", oid.trim_start_matches('.'), value.trim_matches('"').trim_start_matches('.'))
    })
    .collect()
}

#[tokio::test]
async fn large_encrypted_answers_arrive_whole() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let access = Access { max_repetitions: Some(50), ..user(snmpd.port, 0, AUTH, PRIV) };
    let everything = ask_one(&access, &[], &["1.3.6.1.2.1.4", "1.3.6.1.6.3"]).await.unwrap();
    assert!(everything.len() > 50, "{}", everything.len());
}

#[tokio::test]
async fn a_wrong_password_user_or_level_is_named_within_a_second_and_pauses_the_login() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let right = user(snmpd.port, 0, AUTH, PRIV);
    let renamed = |name: &str| {
        let Credential::User { auth, privacy, context, .. } = right.credential.clone() else { unreachable!() };
        Access { credential: Credential::User { name: name.into(), auth, privacy, context }, ..right.clone() }
    };
    let wrong_protocol = renamed("sha512aes");
    for (access, says) in [
        (user(snmpd.port, 0, "not-the-password", PRIV), "wrong digest"),
        (wrong_protocol, "wrong digest"),
        (renamed("nobody"), "unknown user"),
        (renamed("noauth"), "unsupported security level"),
    ] {
        let gate = gate(Limits::STANDARD);
        let start = Instant::now();
        let error = ask_through(&gate, &access, &[NAME], &[OBJECTS]).await.unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(error.cause(), Cause::Auth, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        let paused = ask_through(&gate, &right, &[NAME], &[]).await.unwrap_err();
        assert!(matches!(paused, TransportError::Refusal(_)), "{paused}");
    }
}

#[tokio::test]
async fn a_wrong_privacy_password_is_told_apart_from_a_dead_device() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let wrong = Access { timeout: Some(Duration::from_millis(300)), ..user(snmpd.port, 0, AUTH, "not-the-password") };
    let error = ask_one(&wrong, &[NAME], &[]).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Auth, "{error}");
    assert!(error.to_string().contains("privacy password or algorithm wrong"), "{error}");

    let dead = Agent::start(|_| vec![]).await;
    let gate = gate(Limits::STANDARD);
    let access = Access { port: dead.port, ..wrong };
    let error = ask_through(&gate, &access, &[NAME], &[]).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Timeout);
    assert_eq!(dead.received(), 2, "two tries to discover the engine, nothing more");
}

#[tokio::test]
async fn large_answers_that_get_lost_are_fetched_in_small_ones_and_blame_no_password() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let narrow = Agent::narrow(snmpd.port, 400).await;
    let access = Access { timeout: Some(Duration::from_millis(200)), ..user(narrow.port, 0, AUTH, PRIV) };
    let rows = ask_one(&access, &[], &[OBJECTS]).await.unwrap();
    assert_eq!(rows, ask_one(&v2c(snmpd.port), &[], &[OBJECTS]).await.unwrap());
}

#[tokio::test]
async fn the_books_count_every_datagram_that_arrives_retries_and_discovery_included() {
    let Some(snmpd) = Snmpd::start().await else { return };
    // every third datagram is lost on the way
    let relay = Agent::relay(snmpd.port, |nth| nth % 3 == 1).await;
    for at in [None, Some(0), Some(2)] {
        let gate = gate(Limits::STANDARD);
        let before = relay.received();
        let access = at.map_or_else(|| v2c(relay.port), |at| user(relay.port, at, AUTH, PRIV));
        let access = Access { timeout: Some(Duration::from_millis(200)), retries: Some(3), ..access };
        ask_through(&gate, &access, &[NAME, UPTIME], &[SYSTEM]).await.unwrap();
        let wrong = Access { credential: user(relay.port, 0, AUTH, "not-the-password").credential, ..access };
        let wrong = Access { version: Version::V3, retries: Some(1), ..wrong };
        ask_through(&gate, &wrong, &[NAME], &[]).await.unwrap_err();
        assert_eq!(gate.books().entry(Transport::Snmp).packets, relay.received() - before);
        assert!(gate.books().entry(Transport::Snmp).bytes_received > 500);
    }
}

#[tokio::test]
async fn a_visit_that_knows_the_engine_sends_one_datagram_a_request() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let relay = Agent::relay(snmpd.port, |_| false).await;
    let (gate, engine, fact) = (gate(Limits::STANDARD), Engine::new(), FactId::parse("snmp.test").unwrap());
    let question = Question::parse(&[NAME], &[""; 0]).unwrap();
    let mut counts = Vec::new();
    for _ in 0..3 {
        let before = relay.received();
        let asks = [Ask { fact: &fact, question: &question }];
        ask(&user(relay.port, 0, AUTH, PRIV), &asks, &gate, &engine).await.remove(0).unwrap();
        counts.push(relay.received() - before);
    }
    assert_eq!(counts[1..], [1, 1], "{counts:?}");
}

#[tokio::test]
async fn a_replaced_device_with_a_new_engine_is_learnt_within_the_visit() {
    let Some(old) = Snmpd::start().await else { return };
    let Some(new) = Snmpd::start().await else { return };
    let ports = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(old.port));
    let relay = Agent::switchable(std::sync::Arc::clone(&ports)).await;
    let (gate, engine, fact) = (gate(Limits::STANDARD), Engine::new(), FactId::parse("snmp.test").unwrap());
    let question = Question::parse(&[NAME], &[""; 0]).unwrap();
    for port in [old.port, new.port] {
        ports.store(port, std::sync::atomic::Ordering::SeqCst);
        let asks = [Ask { fact: &fact, question: &question }];
        ask(&user(relay.port, 0, AUTH, PRIV), &asks, &gate, &engine).await.remove(0).unwrap();
    }
}

#[tokio::test]
async fn the_version_probe_finds_what_is_open_and_counts_itself() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let relay = Agent::relay(snmpd.port, |_| false).await;
    let probe = VersionProbe { communities: vec!["public".into(), "legacy-word".into()] };
    let gate = gate(Limits::STANDARD);
    let access = Access { timeout: Some(Duration::from_millis(300)), ..user(relay.port, 1, AUTH, PRIV) };
    let Answer::Value(found) = probe_versions(&access, &probe, &gate, &Engine::new()).await.unwrap() else { panic!() };
    for version in ["v1", "v2c"] {
        let list = found.at(version).unwrap().as_list().unwrap();
        assert_eq!(list[0].to_json(), serde_json::json!({"community": "public", "answered": true}));
        assert_eq!(list[1].to_json(), serde_json::json!({"community": "(own)", "answered": false}));
    }
    assert_eq!(found.at("v3_noauth").unwrap(), &Value::text("refused"));
    assert_eq!(found.at("v3_authpriv").unwrap(), &Value::text("answered"));
    let user = ["v3_user", "v3_auth", "v3_privacy"].map(|field| found.at(field).unwrap().to_string());
    assert_eq!(user, ["answered", "sha256", "aes256"]);
    assert_eq!(found.at("any").unwrap(), &Value::Bool(true));
    assert_eq!(found.at("community_probes_sent").unwrap(), &Value::Int(4));
    let sent = found.at("probes_sent").unwrap().as_int().unwrap();
    assert_eq!(u64::try_from(sent).unwrap(), relay.received());
    assert_eq!(gate.books().entry(Transport::Snmp).packets, relay.received());
}

#[tokio::test]
async fn the_monitors_own_community_is_an_open_one_too() {
    let Some(snmpd) = Snmpd::start().await else { return };
    let probe = VersionProbe { communities: vec!["stranger".into()] };
    let access = Access { timeout: Some(Duration::from_millis(300)), ..v2c(snmpd.port) };
    for limits in [Limits::STANDARD, Limits::FRAGILE] {
        let found = probe_versions(&access, &probe, &gate(limits), &Engine::new()).await.unwrap();
        let Answer::Value(found) = found else { panic!() };
        let own = serde_json::json!({"community": "(the monitor's)", "answered": true});
        assert_eq!(found.at("v2c").unwrap().as_list().unwrap()[0].to_json(), own);
        assert_eq!(found.at("v1").unwrap().as_list().unwrap().len(), 1);
        assert!(!found.to_string().contains("public"), "{found}");
    }
}

#[tokio::test]
async fn a_fragile_asset_that_answers_nothing_is_left_in_peace_after_three_questions() {
    let dead = Agent::start(|_| vec![]).await;
    let probe = VersionProbe { communities: vec!["public".into(), "private".into()] };
    let access = Access { timeout: Some(Duration::from_millis(100)), ..user(dead.port, 1, AUTH, PRIV) };
    let found = probe_versions(&access, &probe, &gate(Limits::FRAGILE), &Engine::new()).await.unwrap();
    let Answer::Value(found) = found else { panic!() };
    assert_eq!(found.at("any").unwrap(), &Value::Bool(false));
    assert_eq!(["v1", "v2c"].map(|field| found.at(field).unwrap().as_list().unwrap().len()), [0, 1]);
    assert_eq!(found.at("community_probes_sent").unwrap(), &Value::Int(1));
}

#[tokio::test]
async fn the_version_probe_of_a_silent_asset_says_that_nothing_answered() {
    let dead = Agent::start(|_| vec![]).await;
    let probe = VersionProbe { communities: vec!["public".into()] };
    let access = Access { credential: Credential::None, ..v2c(dead.port) };
    let Answer::Value(found) = probe_versions(&access, &probe, &gate(Limits::FRAGILE), &Engine::new()).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(found.at("any").unwrap(), &Value::Bool(false));
    assert_eq!(found.at("v3_noauth").unwrap(), &Value::text("silent"));
    assert_eq!(found.at("v3_authpriv").unwrap(), &Value::text("not_asked"));
    let user = ["v3_user", "v3_auth", "v3_privacy"].map(|field| found.at(field).unwrap().to_string());
    assert_eq!(user, ["not_asked", "none", "none"]);
    assert_eq!(dead.received(), 3);
}
