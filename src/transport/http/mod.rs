//! One GET per port: what a web server says to a stranger.
//!
//! No redirect is followed, nothing is sent but the request, and with TLS every certificate is accepted, because
//! the answer is evidence and no secret travels. Headers, body and time are bounded.

mod exchange;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::gate::{Gate, Refusal};
use super::tcp::{Reached, reach};
use super::{Endpoint, TransportError};
use crate::model::{Answer, FactId, Transport, Value};
use exchange::{Answered, Broken, exchange, exchange_over_tls, request};

/// Most bytes of a body that a question may ask for.
const MAX_BODY: usize = 1024 * 1024;
/// Most ports in one question.
const MAX_PORTS: usize = 64;

/// What to get, as written under `ask: http:`; `port: 80` and `ports: [80, 8080]` are both understood.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Question {
    /// TCP ports, each asked once.
    pub ports: Vec<u16>,
    /// Whether to speak TLS.
    pub tls: bool,
    /// Path and query, from `/`.
    pub path: String,
    /// Most bytes kept of the body.
    pub max_bytes: usize,
    /// Longest connect, and after it the longest time for the whole exchange.
    pub timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    port: Option<u16>,
    ports: Option<Vec<u16>>,
    #[serde(default)]
    tls: bool,
    #[serde(default = "root")]
    path: String,
    #[serde(default = "default_max_bytes")]
    max_bytes: usize,
    #[serde(default = "default_timeout", with = "humantime_serde")]
    timeout: Duration,
}

fn root() -> String {
    "/".into()
}

fn default_max_bytes() -> usize {
    64 * 1024
}

fn default_timeout() -> Duration {
    Duration::from_secs(5)
}

impl TryFrom<Written> for Question {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { port, ports, tls, path, max_bytes, timeout } = written;
        let ports = match (port, ports) {
            (Some(port), None) => vec![port],
            (None, Some(ports)) => ports,
            _ => return Err("give either `port` or `ports`".into()),
        };
        // none at all is an answer to "which ports may be asked"
        if ports.len() > MAX_PORTS {
            return Err(format!("`ports` has at most {MAX_PORTS} entries"));
        }
        if !path.starts_with('/') || path.parse::<hyper::Uri>().is_err() {
            return Err(format!("`path` starts with / and has no spaces, {path:?} does not"));
        }
        if max_bytes > MAX_BODY {
            return Err(format!("`max_bytes` is at most {MAX_BODY}"));
        }
        Ok(Self { ports, tls, path, max_bytes, timeout })
    }
}

/// One question and the fact it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The fact.
    pub fact: &'a FactId,
    /// What to ask.
    pub question: &'a Question,
}

/// What is asked once, however many questions want it.
type Key = (u16, bool, String);

/// What is known of one port.
enum Page {
    Answered(Box<Answered>),
    Closed,
    Filtered,
    NoWay(TransportError),
    Error(Broken),
}

/// Gets each page of all questions once, one after the other, and deals the answers out, in order.
pub async fn ask(asks: &[Ask<'_>], gate: &Gate) -> Vec<Result<Answer, TransportError>> {
    let mut wanted: BTreeMap<Key, (usize, Duration)> = BTreeMap::new();
    for question in asks.iter().map(|ask| ask.question) {
        for port in &question.ports {
            let limits = wanted.entry((*port, question.tls, question.path.clone())).or_default();
            *limits = (limits.0.max(question.max_bytes.min(MAX_BODY)), limits.1.max(question.timeout));
        }
    }
    let mut pages: BTreeMap<Key, Result<Page, TransportError>> = BTreeMap::new();
    for (key, (max_bytes, wait)) in wanted {
        let page = Box::pin(get(gate, &key, max_bytes, wait)).await;
        let hopeless = page.is_err();
        pages.insert(key, page);
        if hopeless {
            break;
        }
    }
    asks.iter().map(|ask| deal(ask.question, &pages, gate)).collect()
}

async fn get(gate: &Gate, key: &Key, max_bytes: usize, wait: Duration) -> Result<Page, TransportError> {
    let (port, tls, path) = key;
    let page = match reach(gate, Transport::Http, *port, wait).await? {
        Reached::Closed => return Ok(Page::Closed),
        Reached::Filtered => return Ok(Page::Filtered),
        Reached::NoWay(error) => return Ok(Page::NoWay(error)),
        Reached::Open(mut stream) => {
            let request = request(gate.http_host(), *port, *tls, path)?;
            let deadline = Instant::now() + wait;
            let page = if *tls {
                exchange_over_tls(&mut stream, gate.http_host(), request, max_bytes, deadline).await
            } else {
                exchange(&mut stream, request, max_bytes, deadline).await
            };
            stream.close().await;
            page
        }
    };
    if let Err(refusal @ Refusal::Inactive(_)) = gate.is_open(Transport::Http) {
        return Err(refusal.into());
    }
    Ok(page.map_or_else(Page::Error, |answered| Page::Answered(Box::new(answered))))
}

fn deal(
    question: &Question,
    pages: &BTreeMap<Key, Result<Page, TransportError>>,
    gate: &Gate,
) -> Result<Answer, TransportError> {
    let reached = |page: &Page| !matches!(page, Page::Filtered | Page::NoWay(_));
    let anywhere = pages.values().flatten().any(reached);
    let (mut rows, mut answered) = (Vec::new(), false);
    for port in &question.ports {
        let page = match pages.get(&(*port, question.tls, question.path.clone())) {
            Some(Ok(Page::NoWay(error)) | Err(error)) if !anywhere => return Err(error.again()),
            Some(Err(error)) => return Err(error.again()),
            Some(Ok(page)) => page,
            None => {
                let failed = pages.values().find_map(|page| page.as_ref().err());
                return Err(failed.map_or_else(
                    || TransportError::Internal {
                        endpoint: Endpoint::named(gate.address()),
                        problem: "a port was not tried".into(),
                    },
                    TransportError::again,
                ));
            }
        };
        answered |= reached(page);
        rows.push(row(*port, page, question.max_bytes));
    }
    Ok(Answer::Value(Value::map([("ports", Value::list(rows)), ("answered", Value::Bool(answered))])))
}

fn row(port: u16, page: &Page, max_bytes: usize) -> Value {
    let mut fields = vec![("port", Value::from(port))];
    let state = match page {
        Page::Closed => "closed",
        Page::Filtered | Page::NoWay(_) => "filtered",
        Page::Error(Broken { cause, problem }) => {
            fields.push(("cause", Value::text(cause.word())));
            fields.push(("detail", Value::text(problem)));
            "error"
        }
        Page::Answered(answered) => {
            let body = &answered.body[..answered.body.len().min(max_bytes)];
            fields.push(("status", Value::Int(i64::from(answered.status))));
            if let Some(location) = answered.headers.get("location") {
                fields.push(("location", Value::text(location)));
            }
            fields.push(("cookies", Value::list(answered.cookies.iter().map(cookie))));
            let insecure = answered.cookies.iter().filter(|cookie| !cookie.secure);
            fields.push(("insecure_cookies", Value::list(insecure.map(|cookie| Value::text(&cookie.name)))));
            fields.push(("headers", Value::map(answered.headers.iter().map(|(k, v)| (k, Value::text(v))))));
            fields.push(("body", Value::text(String::from_utf8_lossy(body))));
            fields.push(("truncated", Value::Bool(answered.truncated || body.len() < answered.body.len())));
            "answered"
        }
    };
    fields.push(("state", Value::text(state)));
    Value::map(fields)
}

fn cookie(cookie: &exchange::Cookie) -> Value {
    let flags = [("secure", cookie.secure.into()), ("http_only", cookie.http_only.into())];
    Value::map([("name", Value::text(&cookie.name))].into_iter().chain(flags))
}

#[cfg(test)]
mod tests;
