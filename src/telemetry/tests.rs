use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::{info, info_span};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn lines(config: &Config, work: impl FnOnce()) -> String {
    let written = Lines::default();
    let sink = written.clone();
    let (dispatch, _guard) = build(config, move || sink.clone()).unwrap();
    tracing::dispatcher::with_default(&dispatch, work);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// A collector that hands out what it was sent.
async fn collector() -> (String, mpsc::Receiver<(String, String, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            let answer = move |request: Request<Incoming>| {
                let sender = sender.clone();
                async move {
                    let what = format!("{} {}", request.method(), request.uri().path());
                    let kind =
                        request.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
                    let body = request.into_body().collect().await?.to_bytes();
                    sender.send((what, kind, body)).await.unwrap();
                    Ok::<_, hyper::Error>(Response::new(http_body_util::Empty::<Bytes>::new()))
                }
            };
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), hyper::service::service_fn(answer)),
            );
        }
    });
    (address, receiver)
}

#[tokio::test]
async fn spans_reach_the_collector_at_shutdown_also_when_the_log_is_quiet() {
    let (otlp, mut received) = collector().await;
    let config = Config { log: "error".into(), otlp: Some(otlp), ..Config::default() };
    let (dispatch, guard) = build(&config, std::io::sink).unwrap();
    let id = tracing::dispatcher::with_default(&dispatch, || {
        info_span!("visit", asset = "plc-7").in_scope(|| current_trace_id().unwrap())
    });
    assert_eq!(id.len(), 32);
    guard.shutdown().await;
    let (what, kind, body) = received.recv().await.unwrap();
    assert_eq!((what.as_str(), kind.as_str()), ("POST /v1/traces", "application/x-protobuf"));
    let holds = |word: &str| body.windows(word.len()).any(|bytes| bytes == word.as_bytes());
    assert!(holds("visit") && holds("plc-7") && holds("service.name") && holds("nis2watch"));
}

#[tokio::test]
async fn a_collector_that_is_away_does_not_hold_up_the_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = Config { otlp: Some(format!("http://{address}")), ..Config::default() };
    let (dispatch, guard) = build(&config, std::io::sink).unwrap();
    tracing::dispatcher::with_default(&dispatch, || info_span!("visit").in_scope(|| ()));
    guard.shutdown().await;
}

#[test]
fn a_json_line_is_one_object_with_its_fields() {
    let config = Config { format: Format::Json, ..Config::default() };
    let text = lines(&config, || info_span!("visit", asset = "plc-7").in_scope(|| info!(took_ms = 3, "checked")));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&line["message"], &line["took_ms"]), (&"checked".into(), &3.into()));
    assert_eq!(line["span"]["asset"], "plc-7");
}

#[test]
fn the_level_decides_and_text_has_no_colours() {
    let text = lines(&Config::default(), || {
        info!("seen");
        tracing::debug!("hidden");
    });
    assert!(text.contains("seen") && !text.contains("hidden") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn without_a_collector_there_is_no_trace_id() {
    assert_eq!(current_trace_id(), None);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let wrong = |log: &str, otlp: Option<&str>| {
        let config = Config { log: log.into(), otlp: otlp.map(Into::into), ..Config::default() };
        config.check().iter().map(|(key, error)| format!("{key}: {error}")).collect::<Vec<_>>()
    };
    assert_eq!(wrong("info,nis2watch=debug", Some("http://127.0.0.1:4318")), Vec::<String>::new());
    assert!(wrong("loud", None)[0].contains("\"loud\" is no level"));
    assert!(wrong("nis2watch=loud", None)[0].starts_with("log: "));
    assert!(wrong("info", Some("https://collector:4318"))[0].contains("https is not spoken here"));
    assert!(wrong("info", Some("collector:4318"))[0].starts_with("otlp: "));
}

#[test]
fn an_address_with_a_path_is_taken_as_it_is() {
    assert_eq!(otlp::endpoint("http://c:4318").unwrap(), "http://c:4318/v1/traces");
    assert_eq!(otlp::endpoint("http://c:4318/").unwrap(), "http://c:4318/v1/traces");
    assert_eq!(otlp::endpoint("http://c/otel/v1/traces").unwrap(), "http://c/otel/v1/traces");
}
