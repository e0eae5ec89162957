use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::model::Cause;
use crate::transport::fixture::{closed_port, full_backlog, gate, gate_to, quick};
use crate::transport::gate::Limits;

fn question(ports: &[u16]) -> Question {
    Question { ports: ports.to_vec(), declared: false, banner: false, timeout: Duration::from_millis(300) }
}

async fn ask_one(question: &Question, gate: &Gate) -> Result<Value, TransportError> {
    let fact = FactId::parse("tcp.ports").unwrap();
    match ask(&[Ask { fact: &fact, question }], gate).await.remove(0)? {
        Answer::Value(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

/// A listener that counts connections and the bytes it was sent, and greets with `greeting`.
async fn counting(greeting: &'static [u8]) -> (u16, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (connections, bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&connections), Arc::clone(&bytes));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counts.0.fetch_add(1, Ordering::SeqCst);
            stream.write_all(greeting).await.ok();
            let mut rest = Vec::new();
            // an orderly close ends the read without an error
            assert!(stream.read_to_end(&mut rest).await.is_ok(), "the connection was reset");
            counts.1.fetch_add(rest.len(), Ordering::SeqCst);
        }
    });
    (port, connections, bytes)
}

#[tokio::test]
async fn open_closed_and_filtered_are_told_apart() {
    let (open, ..) = counting(b"").await;
    let closed = closed_port().await;
    let (filtered, _held) = full_backlog().await;
    let value = ask_one(&question(&[open, closed, filtered]), &gate(quick())).await.unwrap();
    assert_eq!(value.get("open"), Some(&Value::list([Value::from(open)])));
    assert_eq!(value.get("closed"), Some(&Value::list([Value::from(closed)])));
    assert_eq!(value.get("filtered"), Some(&Value::list([Value::from(filtered)])));
    assert_eq!(value.get("answered"), Some(&Value::Bool(true)));
    assert_eq!(value.get("banners"), None);
}

#[tokio::test]
async fn a_host_that_is_silent_everywhere_did_not_answer() {
    let (filtered, _held) = full_backlog().await;
    let value = ask_one(&question(&[filtered]), &gate(quick())).await.unwrap();
    assert_eq!(value.get("answered"), Some(&Value::Bool(false)));
}

#[tokio::test]
async fn a_fragile_asset_is_sent_no_byte_and_the_books_agree_with_the_listener() {
    let (port, connections, bytes) = counting(b"220 PLC FTP ready\r\n").await;
    let gate = gate(Limits { fragile: true, at_once: 1, ..quick() });
    let value = ask_one(&Question { banner: true, ..question(&[port]) }, &gate).await.unwrap();
    assert_eq!(value.at(&format!("banners.{port}")), Some(&Value::text("220 PLC FTP ready")));
    let entry = gate.books().entry(Transport::Tcp);
    assert_eq!(entry.connections, connections.load(Ordering::SeqCst) as u64);
    assert_eq!((entry.bytes_sent, bytes.load(Ordering::SeqCst)), (0, 0));
    assert_eq!(entry.bytes_received, 19);
}

#[tokio::test]
async fn equal_ports_of_two_questions_are_contacted_once() {
    let (port, connections, _) = counting(b"hello").await;
    let fact = FactId::parse("tcp.ports").unwrap();
    let (plain, banner) = (question(&[port]), Question { banner: true, ..question(&[port, port]) });
    let gate = gate(quick());
    let asks = [Ask { fact: &fact, question: &plain }, Ask { fact: &fact, question: &banner }];
    let answers = ask(&asks, &gate).await;
    let [Ok(Answer::Value(first)), Ok(Answer::Value(second))] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(first.get("banners"), None);
    assert_eq!(second.at(&format!("banners.{port}")), Some(&Value::text("hello")));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_port_that_the_gate_did_not_let_us_try_fails_the_question_and_is_not_closed() {
    let (one, connections, _) = counting(b"").await;
    let two = closed_port().await;
    let gate = gate(Limits { per_hour: 1, at_once: 1, ..quick() });
    let error = ask_one(&question(&[one, two]), &gate).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Gated);
    assert!(connections.load(Ordering::SeqCst) <= 1);
}

#[tokio::test]
async fn a_name_without_an_address_is_unreachable() {
    let gate = gate_to("no-such-host.invalid", quick());
    assert_eq!(ask_one(&question(&[22, 23]), &gate).await.unwrap_err().cause(), Cause::Unreachable);
}

#[tokio::test]
async fn no_ports_and_too_many_ports_are_our_mistake() {
    let gate = gate(quick());
    for ports in [vec![], (1..2000).collect()] {
        assert_eq!(ask_one(&question(&ports), &gate).await.unwrap_err().cause(), Cause::Internal);
    }
    assert_eq!(gate.books().entry(Transport::Tcp).connections, 0);
}

#[test]
fn a_question_reads_from_a_fact_file_and_knows_its_keys() {
    let question: Question = serde_json::from_str(r#"{"ports": [22], "timeout": "500ms"}"#).unwrap();
    assert_eq!(
        question,
        Question { ports: vec![22], declared: false, banner: false, timeout: Duration::from_millis(500) }
    );
    assert!(serde_json::from_str::<Question>(r#"{"ports": [22], "syn": true}"#).is_err());
}

#[tokio::test]
async fn a_silent_port_of_a_host_that_refuses_others_is_asked_once_more() {
    let closed = closed_port().await;
    let (silent, _held) = full_backlog().await;
    let gate = gate(quick());
    let value = ask_one(&question(&[closed, silent]), &gate).await.unwrap();
    assert_eq!(value.get("filtered"), Some(&Value::list([Value::from(silent)])));
    assert_eq!(gate.books().entry(Transport::Tcp).connections, 3);
}

#[tokio::test]
async fn a_fragile_device_that_says_nothing_is_left_in_peace_after_three_ports() {
    let silent = [full_backlog().await, full_backlog().await, full_backlog().await, full_backlog().await];
    let ports: Vec<u16> = silent.iter().map(|(port, _)| *port).collect();
    let gate = gate(Limits { fragile: true, at_once: 1, ..quick() });
    assert_eq!(ask_one(&question(&ports), &gate).await.unwrap_err().cause(), Cause::Timeout);
    assert_eq!(gate.books().entry(Transport::Tcp).connections, 3);
}

#[tokio::test]
async fn one_answer_is_enough_to_ask_a_fragile_device_on() {
    let (open, ..) = counting(b"").await;
    let silent = [full_backlog().await, full_backlog().await, full_backlog().await, full_backlog().await];
    let ports: Vec<u16> = [open].into_iter().chain(silent.iter().map(|(port, _)| *port)).collect();
    let gate = gate(Limits { fragile: true, at_once: 1, ..quick() });
    let value = ask_one(&question(&ports), &gate).await.unwrap();
    assert_eq!(value.get("filtered").and_then(Value::as_list).map(<[Value]>::len), Some(4));
}

#[tokio::test]
async fn a_fragile_device_gets_no_second_look_and_nobody_more_than_the_plan_says() {
    for (fragile, looks) in [(true, 2), (false, 3)] {
        let closed = closed_port().await;
        let (silent, _held) = full_backlog().await;
        let gate = gate(Limits { fragile, at_once: 1, ..quick() });
        let question = question(&[closed, silent]);
        ask_one(&question, &gate).await.unwrap();
        assert_eq!(
            (gate.books().entry(Transport::Tcp).connections, question.connections(fragile) as u64),
            (looks, looks)
        );
    }
}
