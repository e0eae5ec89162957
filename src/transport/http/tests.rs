use std::sync::atomic::Ordering;

use super::*;
use crate::model::Cause;
use crate::transport::fixture::{
    answering, closed_port, dripping, full_backlog, gate, gate_to, modern_tls, quick, resetting, silent,
};
use crate::transport::gate::Limits;

fn question(port: u16) -> Question {
    let timeout = Duration::from_secs(10);
    Question { ports: vec![port], tls: false, path: "/".into(), max_bytes: 1000, timeout }
}

fn hasty(port: u16) -> Question {
    Question { timeout: Duration::from_millis(200), ..question(port) }
}

async fn ask_one(question: &Question, gate: &Gate) -> Result<Value, TransportError> {
    let fact = FactId::parse("http.root").unwrap();
    match ask(&[Ask { fact: &fact, question }], gate).await.remove(0)? {
        Answer::Value(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

async fn page(question: &Question) -> Value {
    let value = ask_one(question, &gate(quick())).await.unwrap();
    value.at("ports").unwrap().as_list().unwrap()[0].clone()
}

fn state(value: &Value) -> &str {
    value.get("state").unwrap().as_text().unwrap()
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let answer = "HTTP/1.1 301 Moved\r\nLocation: https://plc-1/\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi";
    let port = answering(answer.into()).await;
    let gate = gate(quick());
    let found = ask_one(&question(port), &gate).await.unwrap();
    let page = &found.at("ports").unwrap().as_list().unwrap()[0];
    assert_eq!((state(page), page.get("status")), ("answered", Some(&Value::Int(301))), "{page}");
    assert_eq!(page.get("location"), Some(&Value::text("https://plc-1/")));
    assert_eq!(page.at("headers.x-a"), Some(&Value::text("1, 2")));
    assert_eq!(page.get("body"), Some(&Value::text("hi")));
    assert_eq!(page.get("truncated"), Some(&Value::Bool(false)));
    assert_eq!(gate.books().entry(Transport::Http).connections, 1);
}

#[tokio::test]
async fn cookies_are_told_by_their_flags_and_never_by_their_value() {
    let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=s3cr3t; Path=/; secure; HttpOnly\r\n\
        Set-Cookie: lang=en; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n";
    let page = page(&question(answering(answer.into()).await)).await;
    let flags = |name: &str, secure: bool, http_only: bool| {
        Value::map([("name", name.into()), ("secure", secure.into()), ("http_only", http_only.into())])
    };
    assert_eq!(page.get("cookies"), Some(&Value::list([flags("sid", true, true), flags("lang", false, false)])));
    assert_eq!(page.get("insecure_cookies"), Some(&Value::list(["lang".into()])));
    assert!(!page.to_string().contains("s3cr3t"), "{page}");
}

#[tokio::test]
async fn a_body_is_cut_at_its_bound_and_says_so() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n".to_vec();
    let port = answering([head, vec![b'x'; 100_000_000]].concat()).await;
    let gate = gate(quick());
    let found = ask_one(&question(port), &gate).await.unwrap();
    let page = &found.at("ports").unwrap().as_list().unwrap()[0];
    assert_eq!(page.get("body").unwrap().as_text().unwrap().len(), 1000);
    assert_eq!(page.get("truncated"), Some(&Value::Bool(true)));
    assert!(gate.books().entry(Transport::Http).bytes_received < 1_000_000);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_truncated() {
    let port = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf".to_vec()).await;
    let page = page(&question(port)).await;
    assert_eq!((state(&page), page.get("truncated")), ("answered", Some(&Value::Bool(true))), "{page}");
}

#[tokio::test]
async fn a_slow_body_ends_at_the_deadline_and_a_slow_head_is_no_answer() {
    let port = dripping(b"HTTP/1.1 200 OK\r\n\r\nx").await;
    let found = page(&Question { timeout: Duration::from_millis(800), ..question(port) }).await;
    assert_eq!((state(&found), found.get("truncated")), ("answered", Some(&Value::Bool(true))), "{found}");
    let found = page(&hasty(port)).await;
    assert_eq!((state(&found), found.get("cause")), ("error", Some(&Value::text("timeout"))), "{found}");
}

#[tokio::test]
async fn nonsense_is_an_error_and_never_an_answer() {
    let many = (0..200).fold(String::from("HTTP/1.1 200 OK\r\n"), |head, n| head + &format!("X-{n}: 1\r\n")) + "\r\n";
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    for answer in [b"SSH-2.0-dropbear\r\n".to_vec(), vec![], vec![0xff; 3000], many.into(), huge.into()] {
        let page = page(&question(answering(answer).await)).await;
        assert_eq!((state(&page), page.get("cause")), ("error", Some(&Value::text("protocol"))), "{page}");
        assert!(page.get("detail").is_some() && page.get("status").is_none());
    }
    for port in [silent().await, resetting().await] {
        assert_eq!(state(&page(&hasty(port)).await), "error");
    }
}

#[tokio::test]
async fn a_page_over_tls_needs_no_trusted_certificate() {
    let (port, count) = modern_tls(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe").await;
    let page = page(&Question { tls: true, ..question(port) }).await;
    assert_eq!(page.get("body"), Some(&Value::text("safe")), "{page}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn tls_towards_a_plain_port_is_an_error() {
    let port = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
    assert_eq!(state(&page(&Question { tls: true, ..question(port) }).await), "error");
}

#[tokio::test]
async fn closed_and_filtered_ports_are_told_apart_and_equal_questions_asked_once() {
    let (closed, (filtered, _held)) = (closed_port().await, full_backlog().await);
    let fact = FactId::parse("http.root").unwrap();
    let both = Question { ports: vec![closed, filtered], ..hasty(1) };
    let gate = gate(quick());
    let answers = ask(&[Ask { fact: &fact, question: &both }, Ask { fact: &fact, question: &both }], &gate).await;
    for answer in answers {
        let Ok(Answer::Value(value)) = answer else { panic!("{answer:?}") };
        let states: Vec<_> = value.get("ports").unwrap().as_list().unwrap().iter().map(state).collect();
        assert_eq!(states, ["closed", "filtered"]);
        assert_eq!(value.get("answered"), Some(&Value::Bool(true)));
    }
    assert_eq!(gate.books().entry(Transport::Http).connections, 2);
}

#[tokio::test]
async fn what_the_gate_refuses_is_not_an_error_of_the_page() {
    let port = answering(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).await;
    let error = ask_one(&question(port), &gate(Limits { per_hour: 0, ..quick() })).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Gated);
    let error = ask_one(&question(port), &gate_to("no-such-host.invalid", quick())).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Unreachable);
}

#[test]
fn a_question_names_its_ports_once_and_a_path_that_can_be_sent() {
    let read = |text| serde_json::from_str::<Question>(text);
    assert_eq!(read(r#"{"port": 80}"#).unwrap().ports, [80]);
    assert_eq!(read(r#"{"ports": [80, 8080], "path": "/a?b=c", "timeout": "1s"}"#).unwrap().path, "/a?b=c");
    for wrong in [
        "{}",
        r#"{"port": 80, "ports": [80]}"#,
        r#"{"port": 80, "path": "x"}"#,
        r#"{"port": 80, "path": "/a b"}"#,
        r#"{"port": 80, "path": "/\r\nHost: x"}"#,
        r#"{"port": 80, "max_bytes": 100000000}"#,
        r#"{"port": 80, "method": "POST"}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
