//! PowerShell over exec, against a scripted server: no Windows is at hand, so its side is written by hand.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId};

use super::console::access;
use crate::model::{Cause, TextAnswer};
use crate::transport::TransportError;
use crate::transport::ssh::testing::{Memory, Server, facts, gate, text};
use crate::transport::ssh::{Ask, Speaks, Topic, ask, powershell};

/// What the host makes of a script, given its marker: what it prints, what it prints as errors, its status.
type Act = fn(&str) -> (String, &'static str, u32);

#[derive(Clone)]
struct Windows {
    act: Act,
    started: Arc<Mutex<Vec<String>>>,
    input: Vec<u8>,
}

impl Handler for Windows {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, line: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        self.started.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
        session.channel_success(id)
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Self::Error> {
        self.input.extend_from_slice(data);
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let script = String::from_utf8_lossy(&self.input).into_owned();
        self.started.lock().unwrap().push(script.clone());
        let marker = script.strip_prefix("$m = '").and_then(|rest| rest.get(..32)).unwrap_or_default();
        let (out, err, status) = (self.act)(marker);
        session.data(id, out.replace('\n', "\r\n"))?;
        session.extended_data(id, 1, err)?;
        session.exit_status_request(id, status)?;
        session.close(id)
    }
}

/// One question's two sections, as the runner prints them.
fn sections(marker: &str, index: usize, said: &str, why: &str, end: &str) -> String {
    let mut text = String::new();
    for (place, part) in [(2 * index, said), (2 * index + 1, why)] {
        write!(text, "\n{marker} B {place}\n{part}\n{marker} E {place} {end}\n").unwrap();
    }
    text
}

async fn asked(act: Act, count: usize) -> (Vec<Result<TextAnswer, TransportError>>, Vec<String>) {
    let key = russh::keys::PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519);
    let config = Arc::new(Config { keys: vec![key.unwrap()], ..Config::default() });
    let host = Windows { act, started: Arc::default(), input: Vec::new() };
    let started = Arc::clone(&host.started);
    let server = Server::raw(move |stream| {
        let (config, host) = (config.clone(), host.clone());
        async move {
            if let Ok(session) = run_stream(config, stream, host).await {
                session.await.ok();
            }
        }
    })
    .await;
    let json = r#"{"run": "ConvertTo-Json -InputObject @{ it = 'works' }", "max_bytes": 40}"#;
    let question: powershell::Question = serde_json::from_str(json).unwrap();
    let facts = facts(count);
    let asks: Vec<_> = facts.iter().map(|fact| Ask { fact, topic: Topic::PowerShell(&question) }).collect();
    let access = access(&server, Speaks::Powershell);
    let answers = ask(&access, &asks, &gate(), &[], &Memory::default()).await;
    let started = started.lock().unwrap().clone();
    (answers.into_iter().map(|answer| answer.map(text)).collect(), started)
}

#[tokio::test]
async fn every_question_has_its_own_output_and_errors_although_lines_end_in_cr_lf() {
    let (answers, started) = asked(
        |m| {
            let first = sections(m, 0, "{\"it\":\n\"works\"}", "", "s0 c0");
            let second = sections(m, 1, "", "The RPC server is unavailable.", "s1 c0");
            (format!("a greeting{first}{second}{m} DONE\n"), "#< CLIXML noise", 0)
        },
        2,
    )
    .await;
    let (first, second) = (answers[0].as_ref().unwrap(), answers[1].as_ref().unwrap());
    assert_eq!((first.stdout.as_str(), first.exit, first.truncated), ("{\"it\":\n\"works\"}", Some(0), false));
    assert_eq!((second.stderr.as_str(), second.exit), ("The RPC server is unavailable.", Some(1)));
    assert!(started[0].starts_with("powershell -NoProfile -NonInteractive "), "{}", started[0]);
    assert!(!started[0].contains(&started[1][6..38]), "the marker is on no command line");
    assert_eq!(started[1].matches("\nask ").count(), 2);
    let encoded = started[0].rsplit(' ').next().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    assert!(String::from_utf16(&units).unwrap().contains("Invoke-Expression"));
}

#[tokio::test]
async fn denied_missing_and_cut_answers_are_told_apart() {
    let (answers, _) = asked(
        |m| {
            let denied = sections(m, 0, "", "Access is denied.", "p");
            let missing = sections(m, 1, "", "The term 'Get-X' is not recognized", "s127 c0");
            let long = sections(m, 2, &"x".repeat(41), "", "s0 c0");
            (format!("{denied}{missing}{long}{m} DONE\n"), "", 0)
        },
        3,
    )
    .await;
    let denied = answers[0].as_ref().unwrap_err();
    assert_eq!(denied.cause(), Cause::Privilege);
    assert!(
        denied.to_string().contains("administrator") && denied.to_string().contains("Access is denied"),
        "{denied}"
    );
    assert_eq!(answers[1].as_ref().unwrap().exit, Some(127));
    let long = answers[2].as_ref().unwrap();
    assert_eq!((long.stdout.len(), long.truncated), (40, true));
}

#[tokio::test]
async fn an_answer_whose_errors_never_came_is_no_answer() {
    let (answers, _) = asked(
        |m| {
            let first = sections(m, 0, "x", "", "s0 c0");
            (format!("{first}\n{m} B 2\ny\n{m} E 2 s0 c0\n"), "", 0)
        },
        2,
    )
    .await;
    assert!(answers[0].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().cause(), Cause::Protocol);
}

#[tokio::test]
async fn a_host_without_powershell_is_named() {
    let (answers, _) =
        asked(|_| (String::new(), "'powershell' is not recognized as an internal or external command,\r\n", 1), 1)
            .await;
    let error = answers[0].as_ref().unwrap_err();
    assert_eq!(error.cause(), Cause::NoData);
    assert!(error.to_string().contains("did not run there") && error.to_string().contains("not recognized"), "{error}");
}

#[tokio::test]
async fn status_zero_without_marks_is_no_success() {
    let (answers, _) = asked(|_| ("{}\n".into(), "", 0), 1).await;
    assert_eq!(answers[0].as_ref().unwrap_err().cause(), Cause::Protocol);
}
