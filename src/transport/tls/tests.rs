use std::process::Stdio;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::*;
use crate::model::{Cause, Transport};
use crate::transport::fixture::{
    answering, closed_port, dripping, full_backlog, gate, gate_to, modern_tls, quick, resetting, setup, silent,
};
use crate::transport::gate::{Limits, Switch};

fn question(port: u16) -> Question {
    Question {
        ports: vec![port],
        versions: true,
        ciphers: false,
        anchors: Anchors::default(),
        timeout: Duration::from_secs(10),
    }
}

async fn ask_one(question: &Question, gate: &Gate) -> Result<Value, TransportError> {
    let fact = FactId::parse("tls.services").unwrap();
    match ask(&[Ask { fact: &fact, question }], gate).await.remove(0)? {
        Answer::Value(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

/// The only service of the answer.
async fn service(question: &Question, gate: &Gate) -> Value {
    ask_one(question, gate).await.unwrap().at("services").unwrap().as_list().unwrap()[0].clone()
}

fn list(value: &Value, field: &str) -> Vec<String> {
    let items = value.get(field).unwrap_or_else(|| panic!("{field} is missing in {value}"));
    items.as_list().unwrap().iter().map(ToString::to_string).collect()
}

fn state(value: &Value) -> &str {
    value.get("state").unwrap().as_text().unwrap()
}

/// OpenSSL's test server with a certificate of RSA, which old suites need.
struct Openssl {
    port: u16,
    _server: Child,
    _dir: tempfile::TempDir,
}

async fn openssl(bits: u16, flags: &[&str]) -> Openssl {
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=old-plc", "-keyout", "key", "-out", "cert"])
        .args(["-newkey", &format!("rsa:{bits}")])
        .current_dir(&dir)
        .stderr(Stdio::null())
        .status();
    assert!(made.await.expect("these tests need the openssl program").success());
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-key", "key", "-cert", "cert"])
        .args(flags)
        // the distribution's own floor must not decide what the server accepts
        .env("OPENSSL_CONF", "/dev/null")
        .current_dir(&dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(port) = line.strip_prefix("ACCEPT ").and_then(|at| at.rsplit(':').next()) {
            let port = port.parse().unwrap();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Openssl { port, _server: server, _dir: dir };
        }
    }
    panic!("the server did not start");
}

const WEAKEST: [&str; 2] = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"];

#[tokio::test]
async fn a_server_of_one_version_accepts_that_one_and_shows_its_certificate() {
    for (flag, version) in [("-tls1", "1.0"), ("-tls1_1", "1.1"), ("-tls1_2", "1.2"), ("-tls1_3", "1.3")] {
        let server = openssl(2048, &[&WEAKEST[..], &[flag]].concat()).await;
        let found = service(&question(server.port), &gate(quick())).await;
        assert_eq!(state(&found), "tls", "{found}");
        assert_eq!(list(&found, "accepted_versions"), [version], "{found}");
        assert_eq!(list(&found, "refused_versions").len(), 4, "{found}");
        assert_eq!(list(&found, "undecided_versions"), [""; 0], "{found}");
        assert_eq!(found.get("subject"), Some(&Value::text("CN=old-plc")), "{version}");
        assert_eq!(found.get("key_bits"), Some(&Value::Int(2048)));
        assert_eq!(found.get("signature"), Some(&Value::text("sha256-rsa")));
        let modern = matches!(version, "1.2" | "1.3");
        assert_eq!(found.get("proven"), Some(&Value::Bool(modern)), "our own hellos exchange no key");
        let Some(Value::Float(days)) = found.get("days_left") else { panic!("{found}") };
        assert!((29.0..=30.0).contains(days), "{days}");
    }
}

#[tokio::test]
async fn an_old_servers_certificate_is_read_without_asking_for_versions() {
    let server = openssl(1024, &[&WEAKEST[..], &["-tls1"]].concat()).await;
    let gate = gate(quick());
    let found = service(&Question { versions: false, ..question(server.port) }, &gate).await;
    assert_eq!(found.get("key_bits"), Some(&Value::Int(1024)), "{found}");
    assert_eq!(found.get("accepted_versions"), None, "an empty list would read as good news");
    assert_eq!(gate.books().entry(Transport::Tls).connections, 2);
}

#[tokio::test]
async fn a_modern_server_that_still_speaks_old_versions_is_found_out() {
    let server = openssl(1024, &WEAKEST).await;
    let found = service(&Question { ciphers: true, ..question(server.port) }, &gate(quick())).await;
    assert_eq!(list(&found, "accepted_versions"), ["1.0", "1.1", "1.2", "1.3"]);
    assert_eq!(list(&found, "weak"), ["null", "anonymous", "static_rsa", "cbc_sha1"], "{found}");
    assert_eq!(list(&found, "undecided_weak"), [""; 0], "{found}");
    assert_eq!(found.get("key_bits"), Some(&Value::Int(1024)));
}

#[tokio::test]
async fn a_retry_request_counts_as_acceptance_of_1_3() {
    // a group that our library does not speak: only our own hello gets an answer
    let server = openssl(2048, &["-tls1_3", "-groups", "P-521"]).await;
    let found = service(&question(server.port), &gate(quick())).await;
    assert_eq!(list(&found, "accepted_versions"), ["1.3"], "{found}");
    assert_eq!((state(&found), found.get("days_left")), ("tls", None));
    assert!(found.get("detail").is_some());
}

#[tokio::test]
async fn a_server_that_demands_a_client_certificate_shows_its_own() {
    for flag in ["-tls1_2", "-tls1_3"] {
        let server = openssl(2048, &["-Verify", "1", "-verify_return_error", flag]).await;
        let found = service(&question(server.port), &gate(quick())).await;
        assert_eq!(found.get("subject"), Some(&Value::text("CN=old-plc")), "{found}");
        assert_eq!(list(&found, "accepted_versions").len(), 1, "{found}");
    }
}

#[tokio::test]
async fn the_books_agree_with_what_the_server_saw() {
    let (port, count) = modern_tls(b"").await;
    let gate = gate(quick());
    let found = service(&Question { ciphers: true, ..question(port) }, &gate).await;
    assert_eq!(list(&found, "accepted_versions"), ["1.2", "1.3"], "{found}");
    assert_eq!(list(&found, "refused_versions"), ["ssl3", "1.0", "1.1"], "{found}");
    assert_eq!((list(&found, "weak"), list(&found, "undecided_weak")), (vec![], vec![]), "{found}");
    assert_eq!(list(&found, "sans"), ["plc-1.example"]);
    // one handshake, four versions beside the one agreed on, seven families of suites
    assert_eq!(gate.books().entry(Transport::Tls).connections, 12);
    assert_eq!(count.load(Ordering::SeqCst), 12);
}

#[tokio::test]
async fn a_service_that_is_not_tls_is_plain_after_one_connection() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"SSH-2.0-dropbear\r\n", b"\xff\xfd\x18login: "] {
        let port = answering(answer.to_vec()).await;
        let gate = gate(quick());
        let found = service(&question(port), &gate).await;
        assert_eq!(state(&found), "plain", "{found}");
        assert_eq!(found.get("accepted_versions"), None);
        assert_eq!(gate.books().entry(Transport::Tls).connections, 1);
    }
}

#[tokio::test]
async fn silence_resets_and_hang_ups_prove_nothing() {
    let hangs_up = answering(vec![]).await;
    for port in [silent().await, resetting().await, hangs_up] {
        let gate = gate(quick());
        let question = Question { timeout: Duration::from_millis(200), ..question(port) };
        let found = ask_one(&question, &gate).await.unwrap();
        let service = found.at("services").unwrap().as_list().unwrap()[0].clone();
        assert_eq!(state(&service), "error", "{service}");
        assert_eq!((service.get("accepted_versions"), service.get("refused_versions")), (None, None));
        assert_eq!(found.get("open"), Some(&Value::list([Value::from(port)])));
        assert_eq!(gate.books().entry(Transport::Tls).connections, 2);
    }
}

#[tokio::test]
async fn a_server_that_goes_quiet_leaves_versions_undecided() {
    // a hello of TLS 1.2 for whoever asks, and then nothing
    let hello = [&[22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3][..], &[7; 32], &[0, 0xC0, 0x2F, 0]].concat();
    let port = answering(hello).await;
    let found = service(&question(port), &gate(quick())).await;
    assert_eq!(list(&found, "accepted_versions"), ["1.2"], "{found}");
    assert_eq!(list(&found, "undecided_versions"), ["ssl3", "1.0", "1.1"], "{found}");
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_deadline() {
    let port = dripping(&[22, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xfb]).await;
    let start = std::time::Instant::now();
    let question = Question { timeout: Duration::from_millis(200), versions: false, ..question(port) };
    let found = service(&question, &gate(quick())).await;
    assert_ne!(state(&found), "tls", "{found}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn closed_and_filtered_ports_are_told_apart() {
    let (closed, (filtered, _held)) = (closed_port().await, full_backlog().await);
    let ports = vec![closed, filtered];
    let question = Question { ports, timeout: Duration::from_millis(200), ..question(1) };
    let found = ask_one(&question, &gate(quick())).await.unwrap();
    let states: Vec<_> = found.get("services").unwrap().as_list().unwrap().iter().map(state).collect();
    assert_eq!(states, ["closed", "filtered"]);
    assert_eq!(found.get("answered"), Some(&Value::Bool(true)));
    assert_eq!(found.get("open"), Some(&Value::list([])));
}

#[tokio::test]
async fn a_budget_that_ends_half_way_is_not_a_refusal_by_the_server() {
    let (port, _) = modern_tls(b"").await;
    let error = ask_one(&question(port), &gate(Limits { per_hour: 3, ..quick() })).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Gated);
}

#[tokio::test]
async fn a_name_is_sent_as_such_and_an_address_is_not() {
    let server =
        openssl(2048, &["-servername", "localhost", "-servername_fatal", "-cert2", "cert", "-key2", "key"]).await;
    for address in ["localhost", "127.0.0.1"] {
        let found = service(&question(server.port), &gate_to(address, quick())).await;
        assert_eq!(list(&found, "accepted_versions"), ["1.2", "1.3"], "{address}: {found}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_unreachable() {
    let error = ask_one(&question(443), &gate_to("no-such-host.invalid", quick())).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Unreachable);
}

#[tokio::test]
async fn the_kill_switch_ends_a_handshake_and_proves_nothing() {
    let switch = Switch::default();
    let gate = Gate::new(setup("127.0.0.1", quick()), switch.clone(), chrono::Utc::now);
    let port = silent().await;
    let asking = tokio::spawn({
        let gate = gate.clone();
        async move { ask_one(&question(port), &gate).await }
    });
    while gate.books().entry(Transport::Tls).bytes_sent == 0 {
        tokio::task::yield_now().await;
    }
    switch.turn_off();
    assert_eq!(asking.await.unwrap().unwrap_err().cause(), Cause::Inactive);
    assert_eq!(gate.books().entry(Transport::Tls).connections, 1);
}
