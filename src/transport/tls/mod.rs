//! TLS services: the certificate that is shown, and the protocol versions that are still accepted.
//!
//! One modern handshake by rustls shows the chain; hellos of our own, one per version, show what else a device
//! accepts, because a library cannot offer what it does not speak. Each hello is a connection of its own, one at a
//! time, closed in order. What cannot be told apart from trouble is undecided, never refused.

mod certificate;
mod flight;
mod handshake;
mod hello;
mod offer;
mod service;
mod suites;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::Deserialize;

pub(super) use certificate::facts as certificate_facts;
pub(super) use handshake::{accept_anything, server_name};

use super::gate::Gate;
use super::{Endpoint, TransportError, printable};
use crate::model::{Answer, FactId, Value};
use service::{Service, Wants};

/// Most ports in one question: each costs several connections.
const MAX_PORTS: usize = 64;
/// Most characters quoted of what is not TLS.
const MAX_QUOTE: usize = 60;

/// Which services to look at, as written under `ask: tls:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// TCP ports that may speak TLS from the first byte.
    pub ports: Vec<u16>,
    /// Whether to ask for each protocol version: up to five more connections for each open port.
    #[serde(default = "yes")]
    pub versions: bool,
    /// Whether to offer each family of weak suites: seven more connections for each open port.
    #[serde(default)]
    pub ciphers: bool,
    /// Longest wait for one connect, and for one handshake.
    #[serde(default = "default_timeout", with = "humantime_serde")]
    pub timeout: Duration,
}

fn yes() -> bool {
    true
}

/// Old controllers need seconds for an RSA signature.
fn default_timeout() -> Duration {
    Duration::from_secs(5)
}

/// One question and the fact it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The fact.
    pub fact: &'a FactId,
    /// What to ask.
    pub question: &'a Question,
}

/// Looks at each port of all questions once, one connection at a time, and deals the answers out, in order.
pub async fn ask(asks: &[Ask<'_>], gate: &Gate) -> Vec<Result<Answer, TransportError>> {
    let mut wanted: BTreeMap<u16, Wants> = BTreeMap::new();
    for question in asks.iter().map(|ask| ask.question).filter(|question| is_reasonable(question)) {
        for port in &question.ports {
            wanted.entry(*port).or_default().add(question);
        }
    }
    let mut services: BTreeMap<u16, Result<Service, TransportError>> = BTreeMap::new();
    for (port, wants) in wanted {
        let service = Box::pin(service::examine(gate, port, wants, chrono::Utc::now())).await;
        let hopeless = service.is_err();
        services.insert(port, service);
        if hopeless {
            break;
        }
    }
    asks.iter().map(|ask| deal(ask.question, &services, gate)).collect()
}

/// Looks at one port with its versions, for a protocol that runs inside TLS: one row of `services`, or why there is no
/// way to the host.
///
/// # Errors
///
/// What says nothing about the port: a refusal of the gate, a name without an address.
pub(super) async fn look(
    gate: &Gate,
    port: u16,
    timeout: Duration,
) -> Result<Result<Value, TransportError>, TransportError> {
    let mut wants = Wants::default();
    wants.add(&Question { ports: vec![port], versions: true, ciphers: false, timeout });
    let service = Box::pin(service::examine(gate, port, wants, chrono::Utc::now())).await?;
    Ok(service.no_way().map_or_else(|| Ok(service.value()), |error| Err(error.again())))
}

fn deal(
    question: &Question,
    services: &BTreeMap<u16, Result<Service, TransportError>>,
    gate: &Gate,
) -> Result<Answer, TransportError> {
    let internal = |problem| TransportError::Internal { endpoint: Endpoint::named(gate.address()), problem };
    if !is_reasonable(question) {
        return Err(internal(format!(
            "a question names between 1 and {MAX_PORTS} ports, not {}",
            question.ports.len()
        )));
    }
    let failed = || services.values().find_map(|service| service.as_ref().err()).map(TransportError::again);
    let mut found = Vec::new();
    for port in &question.ports {
        match services.get(port) {
            Some(Ok(service)) => found.push(service),
            Some(Err(error)) => return Err(error.again()),
            None => return Err(failed().unwrap_or_else(|| internal("a port was not tried".into()))),
        }
    }
    let answered = services.values().flatten().any(Service::answered);
    if let Some(error) = found.iter().find_map(|service| service.no_way()).filter(|_| !answered) {
        return Err(error.again());
    }
    let open = found.iter().filter(|service| service.is_open()).map(|service| Value::from(service.port()));
    Ok(Answer::Value(Value::map([
        ("open", Value::list(open)),
        ("answered", Value::Bool(found.iter().any(|service| service.answered()))),
        ("services", Value::list(found.iter().map(|service| service.value()))),
    ])))
}

fn is_reasonable(question: &Question) -> bool {
    (1..=MAX_PORTS).contains(&question.ports.len())
}

/// How a conversation over one connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// Everything wanted was said.
    Complete,
    /// The server refused with this alert.
    Alert(u8),
    /// The server closed in order without a byte.
    Closed,
    /// Nothing more came in time.
    Silent,
    /// Something answered that is not TLS; quotes its beginning.
    NotTls(String),
    /// Anything else, in words.
    Broken(String),
}

impl Ended {
    fn closed(taken: usize) -> Self {
        if taken == 0 { Self::Closed } else { Self::Broken("closed in the middle of the handshake".into()) }
    }

    fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Broken("reset the connection".into()),
            other => Self::Broken(other.to_string()),
        }
    }

    fn not_tls(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_QUOTE)]);
        Self::NotTls(printable::line(&text, MAX_QUOTE))
    }

    /// Whether the server positively declined: it said so, or hung up in order on reading the hello.
    fn is_refusal(&self) -> bool {
        // handshake_failure, protocol_version, insufficient_security; any other alert may be about our hello
        matches!(self, Self::Alert(40 | 70 | 71) | Self::Closed)
    }

    fn in_words(&self) -> String {
        match self {
            Self::Complete => "answered".into(),
            Self::Alert(description) => flight::alert_name(*description),
            Self::Closed => "closed the connection without a word".into(),
            Self::Silent => "no answer to the hello in time".into(),
            Self::NotTls(quote) => format!("not TLS, it said {quote:?}"),
            Self::Broken(problem) => problem.clone(),
        }
    }
}

impl From<flight::End> for Ended {
    fn from(end: flight::End) -> Self {
        match end {
            flight::End::Complete => Self::Complete,
            flight::End::Alert(description) => Self::Alert(description),
            flight::End::NotTls => Self::NotTls(String::new()),
            flight::End::Broken(problem) => Self::Broken(problem.into()),
        }
    }
}

#[cfg(test)]
mod tests;
