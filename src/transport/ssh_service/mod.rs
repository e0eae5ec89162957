//! What an SSH server offers to anybody: banner, algorithms and login methods, without any credential.
//!
//! The first packet of a server is clear text and holds all its lists, so it is read by our own reader; no
//! key is exchanged. Login methods need a key exchange and the request `none`, on a connection of its own, and
//! only where a question asks for them.

mod offer;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::gate::{Gate, Stream};
use super::ssh::{Access, HostKeys, Knock, knock, quote};
use super::{Endpoint, TransportError};
use crate::model::{Answer, Transport, Value};
use offer::{Broken, Offer, Reader};

/// Sent only to a peer that has shown an SSH banner.
const OUR_BANNER: &[u8] = concat!("SSH-2.0-nis2watch_", env!("CARGO_PKG_VERSION"), "\r\n").as_bytes();
/// `SSH_MSG_DISCONNECT`, reason 11 (by application), without text, padded to 24 bytes: an orderly goodbye.
const GOODBYE: [u8; 24] = [0, 0, 0, 20, 6, 1, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Most ports of one question.
const MAX_PORTS: usize = 16;

/// What is asked, as written under `ask: { ssh_service: … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// TCP ports, one connection each.
    pub ports: Vec<u16>,
    /// Whether to ask for login methods too: a second connection, which ends without a login.
    pub auth_methods: bool,
    /// Longest wait for each step on each port.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { ports: vec![22], auth_methods: false, timeout: Duration::from_secs(5) }
    }
}

/// How the asset is logged in to, so that a host key can be compared with the one that the login expects.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// Its port and its policy of host keys.
    pub access: &'a Access,
    /// Learnt host keys; nothing is learnt here.
    pub host_keys: &'a dyn HostKeys,
}

impl Login<'_> {
    /// `expected`, `changed`, or `first_seen` where nothing is pinned or learnt yet; `None` on a port of another service.
    fn judge(&self, gate: &Gate, port: u16, fingerprint: &str) -> Option<&'static str> {
        if self.access.port != port {
            return None;
        }
        let expected =
            self.access.host_key.expected(self.host_keys, gate.asset(), &format!("{}:{port}", gate.address()));
        Some(match expected {
            None => "first_seen",
            Some(keys) if keys.iter().any(|key| key == fingerprint) => "expected",
            Some(_) => "changed",
        })
    }
}

/// Asks each port in turn; a port that is closed or speaks something else is part of the answer.
/// With `auth_methods`, the host key on the port of `login` is compared with the one that the login expects.
///
/// # Errors
///
/// The gate refused, the asset cannot be reached at all, or the question names too many ports.
pub async fn ask(question: &Question, gate: &Gate, login: Option<Login<'_>>) -> Result<Answer, TransportError> {
    if question.ports.len() > MAX_PORTS {
        return Err(TransportError::Internal {
            endpoint: Endpoint::named(format!("ssh_service://{}", gate.address())),
            problem: format!("{} ports are asked, at most {MAX_PORTS} are allowed", question.ports.len()),
        });
    }
    let mut services = Vec::new();
    for port in &question.ports {
        services.push(service(question, gate, *port, login).await?);
    }
    let is_filtered = |row: &Value| row.get("state").and_then(Value::as_text) == Some("filtered");
    let answered = services.iter().any(|row| !is_filtered(row));
    Ok(Answer::Value(Value::map([("answered", Value::Bool(answered)), ("services", Value::list(services))])))
}

/// One row of the answer.
async fn service(
    question: &Question,
    gate: &Gate,
    port: u16,
    login: Option<Login<'_>>,
) -> Result<Value, TransportError> {
    let mut stream = match gate.connect(Transport::SshService, port, question.timeout).await {
        Ok(stream) => stream,
        Err(error) => return without_stream(port, error),
    };
    let mut reader = Reader::default();
    let read = timeout(question.timeout, read(&mut stream, &mut reader)).await;
    stream.close().await;
    // the gate says it better when the kill switch acted
    gate.is_open(Transport::SshService).or_else(only_inactive)?;
    let offer = match read {
        Ok(Ok(offer)) => offer,
        Ok(Err(Broken::NotSsh(said))) => return Ok(row(port, "other", &said, [])),
        Ok(Err(Broken::Protocol(problem))) => return Ok(row(port, "error", &problem, [])),
        Err(_) => return Ok(row(port, "error", &silence(&reader, question.timeout), [])),
    };
    let mut fields = offer.fields();
    if question.auth_methods && offer.speaks_version_2() {
        let knocked = knock(gate, port, question.timeout).await;
        let standing = knocked.as_ref().ok().and_then(|knock| login?.judge(gate, port, &knock.fingerprint));
        fields.extend(standing.map(|word| ("host_key", Value::from(word))));
        fields.extend(methods(knocked)?);
    }
    Ok(row(port, "ssh", "", fields))
}

async fn read(stream: &mut Stream, reader: &mut Reader) -> Result<Offer, Broken> {
    let mut greeted = false;
    let mut chunk = [0_u8; 4096];
    loop {
        let taken = stream.read(&mut chunk).await.map_err(|error| Broken::io(&error, reader))?;
        if taken == 0 {
            return Err(Broken::ended(reader));
        }
        let offer = reader.feed(&chunk[..taken])?;
        if reader.speaks_version_2() && !greeted {
            greeted = true;
            stream.write_all(OUR_BANNER).await.map_err(|error| Broken::io(&error, reader))?;
        }
        if let Some(offer) = offer {
            if greeted {
                stream.write_all(&GOODBYE).await.ok();
            }
            return Ok(offer);
        }
    }
}

fn without_stream(port: u16, error: TransportError) -> Result<Value, TransportError> {
    match error {
        TransportError::Refused { .. } => Ok(row(port, "closed", "", [])),
        TransportError::Timeout { .. } => Ok(row(port, "filtered", "", [])),
        TransportError::Protocol { problem, .. } => Ok(row(port, "error", &problem, [])),
        other => Err(other),
    }
}

/// A budget that our own connection used up is no reason to throw its answer away.
fn only_inactive(refusal: super::gate::Refusal) -> Result<(), TransportError> {
    match refusal {
        super::gate::Refusal::Inactive(_) => Err(refusal.into()),
        _ => Ok(()),
    }
}

fn silence(reader: &Reader, wait: Duration) -> String {
    match reader.banner() {
        Some(banner) => format!("{} sent no list of algorithms within {wait:?}", quote(banner.as_bytes())),
        None => format!("the port is open but sent no SSH banner within {wait:?}"),
    }
}

/// What a key exchange without a login adds.
fn methods(knocked: Result<Knock, TransportError>) -> Result<Vec<(&'static str, Value)>, TransportError> {
    match knocked {
        Ok(knock) => Ok(vec![
            ("auth_methods", Value::list(knock.methods.iter().map(Value::text))),
            ("notice", Value::text(knock.notice)),
            ("fingerprint", Value::text(&knock.fingerprint)),
            ("host_key_sha256", Value::map([(knock.key_type, Value::text(knock.fingerprint))])),
        ]),
        Err(error @ TransportError::Refusal(_)) => Err(error),
        Err(error) => Ok(vec![("auth_error", Value::text(error.to_string()))]),
    }
}

fn row(port: u16, state: &str, detail: &str, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let head = [("port", Value::from(port)), ("state", Value::from(state)), ("detail", Value::from(detail))];
    Value::map(head.into_iter().chain(fields))
}

#[cfg(test)]
mod tests;
