//! Who is let in, with what, and what is said when nobody is.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Cause, Secret, Transport};
use crate::transport::ssh::testing::{Memory, Server, ask, closed_port, facts, gate, question, run, text};
use crate::transport::ssh::{Access, Algorithms, Ask, Credential, Hop, HostKeyPolicy, Topic, ask as ask_all};

fn with_key(access: &Access, pem: String, passphrase: Option<&str>) -> Access {
    let passphrase = passphrase.map(|text| Secret::new(text.into()));
    Access { credential: Credential::Key { pem: Secret::new(pem), passphrase }, ..access.clone() }
}

async fn new_key(server: &Server, kind: &str, passphrase: &str) -> String {
    let path = server.dir.path().join(format!("extra_{kind}"));
    run("ssh-keygen", &["-q", "-t", kind, "-N", passphrase, "-f", &path.display().to_string()]).await;
    std::fs::copy(path.with_extension("pub"), server.dir.path().join("client.pub")).unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn rsa_ecdsa_and_encrypted_keys_log_in() {
    let server = Server::sshd("").await;
    for (kind, passphrase) in [("rsa", ""), ("ecdsa", ""), ("ed25519", "open sesame")] {
        let pem = new_key(&server, kind, passphrase).await;
        let access = with_key(&server.access(), pem.clone(), Some(passphrase).filter(|text| !text.is_empty()));
        assert_eq!(ask(&access, &["echo in"], &gate()).await[0].as_ref().unwrap().stdout, "in\n", "{kind}");
        if !passphrase.is_empty() {
            for wrong in [None, Some("wrong")] {
                let gate = gate();
                let error = ask(&with_key(&access, pem.clone(), wrong), &["true"], &gate).await.remove(0).unwrap_err();
                assert_eq!(error.cause(), Cause::Auth);
                assert!(error.to_string().contains("was not sent"), "{error}");
                assert!(gate.is_open(Transport::Ssh).is_ok(), "nothing was refused, so nothing pauses");
            }
        }
    }
}

#[tokio::test]
async fn a_refused_key_pauses_the_asset_after_one_attempt() {
    for extra in ["", "MaxAuthTries 1"] {
        let server = Server::sshd(extra).await;
        let access = server.access();
        new_key(&server, "ed25519", "").await;
        let gate = gate();
        let errors = ask(&access, &["true", "true"], &gate).await;
        for error in errors.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.cause(), Cause::Auth, "{error}");
            assert!(error.to_string().contains("publickey was refused"), "{error}");
        }
        let again = ask(&access, &["true"], &gate).await.remove(0).unwrap_err();
        assert_eq!(again.cause(), Cause::Auth);
        assert_eq!(gate.books().entry(Transport::Ssh).connections, 1, "no second attempt");
    }
}

#[tokio::test]
async fn a_second_factor_is_told_apart_from_a_wrong_key() {
    let server =
        Server::sshd("AuthenticationMethods publickey,password\nMatch all\nPasswordAuthentication yes\nMatch all")
            .await;
    let error = server.ask(&["true"]).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Auth);
    assert!(error.to_string().contains("accepted, but it also wants password"), "{error}");
}

#[tokio::test]
async fn a_password_is_never_sent_where_none_is_taken() {
    let server = Server::sshd("").await;
    let password = Credential::Password(Secret::new("hunter2".into()));
    let error =
        ask(&Access { credential: password, ..server.access() }, &["true"], &gate()).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::Auth);
    assert!(error.to_string().contains("publickey") && error.to_string().contains("not sent"), "{error}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_wrong_host_key_ends_the_visit_before_any_credential() {
    let server = Server::sshd("").await;
    let pins = HostKeyPolicy::Pinned(vec!["SHA256:AAAA".into()]);
    let error = ask(&Access { host_key: pins, ..server.access() }, &["true"], &gate()).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::HostKey);
    assert!(error.to_string().contains(&server.fingerprint) && error.to_string().contains("SHA256:AAAA"), "{error}");
}

#[tokio::test]
async fn a_learnt_host_key_is_expected_from_then_on() {
    let server = Server::sshd("").await;
    let access = Access { host_key: HostKeyPolicy::Learn, ..server.access() };
    let (memory, facts, question) = (Memory::default(), facts(1), question("true"));
    let asks = [Ask { fact: &facts[0], topic: Topic::Run(&question) }];
    for _ in 0..2 {
        assert!(ask_all(&access, &asks, &gate(), &[], &memory).await[0].is_ok());
    }
    let endpoint = format!("127.0.0.1:{}", server.port);
    assert_eq!(*memory.0.lock().unwrap(), [(endpoint, server.fingerprint.clone())]);
    memory.0.lock().unwrap()[0].1 = "SHA256:other".into();
    let error = ask_all(&access, &asks, &gate(), &[], &memory).await.remove(0).unwrap_err();
    assert_eq!(error.cause(), Cause::HostKey);
}

#[tokio::test]
async fn old_algorithms_need_the_profile_that_the_error_names() {
    let legacy = "KexAlgorithms diffie-hellman-group1-sha1\nCiphers 3des-cbc\nMACs hmac-sha1";
    let compat = "KexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc\nMACs hmac-sha1";
    for (config, profile) in [(legacy, Algorithms::Legacy), (compat, Algorithms::Compat)] {
        let server = Server::sshd(config).await;
        let error = server.ask(&["true"]).await.remove(0).unwrap_err();
        assert_eq!(error.cause(), Cause::Protocol);
        let advice = format!("algorithms: {}", profile.word());
        assert!(error.to_string().contains(&advice) && error.to_string().contains("sha1"), "{error}");
        let answers = ask(&Access { algorithms: profile, ..server.access() }, &["echo old"], &gate()).await;
        assert_eq!(answers[0].as_ref().unwrap().stdout, "old\n");
    }
}

#[tokio::test]
async fn a_hardened_server_is_reached_as_it_is() {
    let hardened = "KexAlgorithms curve25519-sha256\nCiphers chacha20-poly1305@openssh.com\n\
                    MACs hmac-sha2-512-etm@openssh.com\nPubkeyAcceptedAlgorithms ssh-ed25519\nAllowTcpForwarding no\n\
                    X11Forwarding no\nPermitTTY no\nPermitUserEnvironment no\nLoginGraceTime 5";
    assert!(Server::sshd(hardened).await.ask(&["true"]).await[0].is_ok());
}

#[tokio::test]
async fn dropbear_answers_like_openssh() {
    let server = Server::dropbear().await;
    let answers = server.ask(&["echo out; echo err >&2; exit 7", "head -c 1000000 /dev/zero"]).await;
    let answer = answers[0].as_ref().unwrap();
    assert_eq!((answer.stdout.as_str(), answer.stderr.as_str(), answer.exit), ("out\n", "err\n", Some(7)));
    assert!(answers[1].as_ref().unwrap().truncated);
}

#[tokio::test]
async fn a_jump_host_carries_the_visit_and_both_gates_count_it() {
    let (jump, target) = (Server::sshd("").await, Server::sshd("").await);
    let hop = Hop { gate: gate(), access: Arc::new(jump.access()) };
    let (facts, question, gate) = (facts(1), question("echo there"), gate());
    let asks = [Ask { fact: &facts[0], topic: Topic::Run(&question) }];
    let hops = std::slice::from_ref(&hop);
    let mut answers = ask_all(&target.access(), &asks, &gate, hops, &Memory::default()).await;
    assert_eq!(text(answers.remove(0).unwrap()).stdout, "there\n");
    let (at_jump, at_target) = (hop.gate.books().entry(Transport::Ssh), gate.books().entry(Transport::Ssh));
    assert_eq!((at_jump.connections, at_target.connections), (1, 1));
    assert!(at_target.bytes_received > 0 && at_jump.bytes_received > at_target.bytes_received);
}

#[tokio::test]
async fn a_jump_host_that_prohibits_or_cannot_connect_is_told_apart() {
    let (open, shut) = (Server::sshd("").await, Server::sshd("AllowTcpForwarding no").await);
    let (facts, question) = (facts(1), question("true"));
    let asks = [Ask { fact: &facts[0], topic: Topic::Run(&question) }];
    let nowhere = Access { port: closed_port().await, ..open.access() };
    for (server, cause) in [(&open, Cause::Refused), (&shut, Cause::Privilege)] {
        let hop = Hop { gate: gate(), access: Arc::new(server.access()) };
        let error = ask_all(&nowhere, &asks, &gate(), &[hop], &Memory::default()).await.remove(0).unwrap_err();
        assert_eq!(error.cause(), cause, "{error}");
    }
}

#[tokio::test]
async fn a_hung_target_behind_a_jump_host_ends_in_time_and_frees_its_slot() {
    let jump = Server::sshd("").await;
    let silent = Server::raw(|stream| async move {
        let _keep = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let mut access = silent.access();
    access.deadlines.handshake = Duration::from_millis(500);
    let (facts, question, gate, memory) = (facts(1), question("true"), gate(), Memory::default());
    let asks = [Ask { fact: &facts[0], topic: Topic::Run(&question) }];
    let hop = Hop { gate: crate::transport::ssh::testing::gate(), access: Arc::new(jump.access()) };
    // more often than there are slots
    for _ in 0..6 {
        let visit = ask_all(&access, &asks, &gate, std::slice::from_ref(&hop), &memory);
        let error = tokio::time::timeout(Duration::from_secs(5), visit).await.unwrap().remove(0).unwrap_err();
        assert_eq!(error.cause(), Cause::Timeout, "{error}");
    }
}

mod password {
    use std::sync::{Arc, Mutex};

    use russh::server::{Auth, Config, Handler, Response, run_stream};
    use russh::{MethodKind, MethodSet};

    use super::*;

    /// What the server saw: method and secret, in order.
    type Log = Arc<Mutex<Vec<String>>>;

    #[derive(Clone)]
    struct Door {
        log: Log,
        prompts: usize,
    }

    impl Handler for Door {
        type Error = russh::Error;
        async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
            self.log.lock().unwrap().push(format!("password {password}"));
            Ok(if password == "right" { Auth::Accept } else { Auth::reject() })
        }
        async fn auth_keyboard_interactive<'a>(
            &'a mut self,
            _: &str,
            _: &str,
            response: Option<Response<'a>>,
        ) -> Result<Auth, Self::Error> {
            let Some(mut response) = response else {
                let prompts = vec![("Password: ".into(), false); self.prompts];
                return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts: prompts.into() });
            };
            let answer = String::from_utf8_lossy(&response.next().unwrap_or_default()).into_owned();
            self.log.lock().unwrap().push(format!("keyboard {answer}"));
            Ok(if answer == "right" { Auth::Accept } else { Auth::reject() })
        }
    }

    async fn server(methods: &[MethodKind], prompts: usize) -> (Server, Log) {
        let log = Log::default();
        let door = Door { log: log.clone(), prompts };
        let key = russh::keys::PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519);
        let config = Arc::new(Config {
            methods: MethodSet::from(methods),
            keys: vec![key.unwrap()],
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        });
        let server = Server::raw(move |stream| {
            let (config, door) = (config.clone(), door.clone());
            async move {
                if let Ok(session) = run_stream(config, stream, door).await {
                    session.await.ok();
                }
            }
        });
        (server.await, log)
    }

    fn access(server: &Server, password: &str) -> Access {
        let credential = Credential::Password(Secret::new(password.into()));
        Access { credential, host_key: HostKeyPolicy::Learn, ..server.access() }
    }

    async fn method(server: &Server, password: &str) -> Result<String, crate::transport::TransportError> {
        let facts = facts(1);
        let asks = [Ask { fact: &facts[0], topic: Topic::Session }];
        let mut answers = ask_all(&access(server, password), &asks, &gate(), &[], &Memory::default()).await;
        answers.remove(0).map(|answer| match answer {
            crate::model::Answer::Value(value) => value.get("auth_method").unwrap().to_string(),
            other => panic!("{other:?}"),
        })
    }

    #[tokio::test]
    async fn a_password_goes_by_the_method_that_is_offered() {
        let (server, _) = self::server(&[MethodKind::Password, MethodKind::KeyboardInteractive], 1).await;
        assert_eq!(method(&server, "right").await.unwrap(), "password");
        let (server, _) = self::server(&[MethodKind::KeyboardInteractive], 1).await;
        assert_eq!(method(&server, "right").await.unwrap(), "keyboard-interactive");
    }

    #[tokio::test]
    async fn a_wrong_password_is_sent_exactly_once() {
        for methods in
            [&[MethodKind::Password, MethodKind::KeyboardInteractive][..], &[MethodKind::KeyboardInteractive]]
        {
            let (server, log) = self::server(methods, 1).await;
            let error = method(&server, "wrong").await.unwrap_err();
            assert_eq!(error.cause(), Cause::Auth);
            assert!(!error.to_string().contains("wrong "), "{error}");
            assert_eq!(log.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn two_prompts_at_once_get_no_password() {
        let (server, log) = self::server(&[MethodKind::KeyboardInteractive], 2).await;
        let error = method(&server, "right").await.unwrap_err();
        assert!(error.to_string().contains("not sent"), "{error}");
        assert!(log.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_server_without_sessions_for_us_is_a_matter_of_privilege() {
        let (server, _) = self::server(&[MethodKind::Password], 1).await;
        let error = ask(&access(&server, "right"), &["true"], &gate()).await.remove(0).unwrap_err();
        assert_eq!(error.cause(), Cause::Privilege, "{error}");
    }
}
