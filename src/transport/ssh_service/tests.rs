use std::time::Instant;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::model::Cause;
use crate::transport::gate::Switch;
use crate::transport::ssh::testing::{Memory, Server, closed_port, gate, gate_with};
use crate::transport::ssh::{Credential, HostKeyPolicy};

async fn one(question: &Question, gate: &Gate) -> Value {
    let Answer::Value(value) = ask(question, gate, None).await.unwrap() else { panic!() };
    value.get("services").unwrap().as_list().unwrap()[0].clone()
}

fn on(port: u16) -> Question {
    Question { ports: vec![port], timeout: Duration::from_millis(1500), ..Question::default() }
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).unwrap_or_else(|| panic!("{field}: {value}")).to_string()
}

#[tokio::test]
async fn a_real_server_lists_what_its_configuration_says() {
    let server = Server::sshd("KexAlgorithms curve25519-sha256\nCiphers aes256-ctr,aes128-ctr\nMACs hmac-sha1").await;
    let gate = gate();
    let service = one(&on(server.port), &gate).await;
    assert_eq!((text(&service, "state"), text(&service, "kex")), ("ssh".into(), "[curve25519-sha256]".into()));
    assert_eq!(
        (text(&service, "ciphers"), text(&service, "macs")),
        ("[aes256-ctr, aes128-ctr]".into(), "[hmac-sha1]".into())
    );
    assert_eq!((text(&service, "host_keys"), text(&service, "protocol")), ("[ssh-ed25519]".into(), "2.0".into()));
    assert!(text(&service, "software").starts_with("OpenSSH_"));
    assert_eq!(service.get("auth_methods"), None, "not asked, so not claimed");
    let books = gate.books().entry(Transport::SshService);
    assert_eq!((books.connections, books.bytes_sent), (1, (OUR_BANNER.len() + GOODBYE.len()) as u64));
}

#[tokio::test]
async fn login_methods_and_the_host_key_come_without_a_login() {
    for (extra, methods) in [
        ("", "[publickey]"),
        (
            "Match all\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes\nMatch all",
            "[publickey, password, keyboard-interactive]",
        ),
    ] {
        let server = Server::sshd(extra).await;
        let gate = gate();
        let service = one(&Question { auth_methods: true, ..on(server.port) }, &gate).await;
        assert_eq!(text(&service, "auth_methods"), methods);
        assert_eq!(text(&service, "host_key_sha256"), format!("{{ssh-ed25519: {}}}", server.fingerprint));
        assert_eq!(gate.books().entry(Transport::SshService).connections, 2);
    }
}

#[tokio::test]
async fn what_a_server_says_before_login_is_told_and_so_is_its_silence() {
    let folder = tempfile::tempdir().unwrap();
    let notice = folder.path().join("notice");
    std::fs::write(&notice, format!("Authorised use only.\n{}", "é".repeat(9_000))).unwrap();
    let server = Server::sshd(&format!("Banner {}", notice.display())).await;
    let service = one(&Question { auth_methods: true, ..on(server.port) }, &gate()).await;
    let said = text(&service, "notice");
    assert!(said.starts_with("Authorised use only.\n") && said.chars().count() == 4096, "{}", said.chars().count());
    let server = Server::sshd("").await;
    let service = one(&Question { auth_methods: true, ..on(server.port) }, &gate()).await;
    assert_eq!(text(&service, "notice"), "");
}

#[tokio::test]
async fn an_old_server_is_asked_for_its_methods_too() {
    let server = Server::sshd("KexAlgorithms diffie-hellman-group1-sha1\nCiphers 3des-cbc\nMACs hmac-sha1").await;
    let service = one(&Question { auth_methods: true, ..on(server.port) }, &gate()).await;
    assert_eq!(text(&service, "auth_methods"), "[publickey]");
}

#[tokio::test]
async fn closed_silent_and_foreign_ports_are_told_apart_in_time() {
    let silent = Server::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    let http = Server::raw(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad\x1b Request\r\n\r\n").await.ok();
    });
    let endless =
        Server::raw(|mut stream| async move { while stream.write_all(&b"spam\r\n".repeat(1000)).await.is_ok() {} });
    let huge = Server::raw(|mut stream| async move {
        stream.write_all(b"SSH-2.0-x\r\n\x7f\xff\xff\xff\x04").await.ok();
        std::future::pending::<()>().await;
    });
    let (silent, http, endless, huge) = tokio::join!(silent, http, endless, huge);
    for (port, state, detail) in [
        (closed_port().await, "closed", ""),
        (silent.port, "error", "no SSH banner"),
        (http.port, "other", "HTTP/1.1 400"),
        (endless.port, "other", "spam"),
        (huge.port, "error", "length of 2147483647"),
    ] {
        let start = Instant::now();
        let service = one(&on(port), &gate()).await;
        assert_eq!(text(&service, "state"), state, "{service}");
        assert!(text(&service, "detail").contains(detail) && !text(&service, "detail").contains('\x1b'), "{service}");
        assert!(start.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn a_refusal_of_the_gate_is_no_answer() {
    let switch = Switch::default();
    switch.turn_off();
    assert_eq!(ask(&on(22), &gate_with(switch), None).await.unwrap_err().cause(), Cause::Inactive);
    let many = Question { ports: (1..100).collect(), ..Question::default() };
    assert_eq!(ask(&many, &gate(), None).await.unwrap_err().cause(), Cause::Internal);
}

#[tokio::test]
async fn the_host_key_is_compared_with_the_one_that_the_login_expects() {
    let server = Server::sshd("").await;
    let question = Question { auth_methods: true, ..on(server.port) };
    let pin = |pin: &str| HostKeyPolicy::Pinned(vec![pin.to_owned()]);
    let memory = Memory::default();
    for (policy, port, standing) in [
        (pin(&server.fingerprint), server.port, Some("expected")),
        (pin("SHA256:another"), server.port, Some("changed")),
        (HostKeyPolicy::Learn, server.port, Some("first_seen")),
        (pin("SHA256:another"), server.port.wrapping_add(1), None),
    ] {
        let secret = Credential::Password(crate::model::Secret::new(String::new()));
        let access = Access { port, ..Access::new("nobody", secret, policy) };
        let login = Login { access: &access, host_keys: &memory };
        let Answer::Value(value) = ask(&question, &gate(), Some(login)).await.unwrap() else { panic!() };
        let service = value.get("services").unwrap().as_list().unwrap()[0].clone();
        assert_eq!(service.get("host_key").and_then(Value::as_text), standing, "{service}");
        assert_eq!(text(&service, "fingerprint"), server.fingerprint);
    }
    assert!(memory.known(gate().asset(), &format!("127.0.0.1:{}", server.port)).is_none(), "looking is not learning");
}
