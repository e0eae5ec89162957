//! OPC UA discovery: which endpoints a server has, how they are secured and who may come in. No session is opened, so
//! no node can be read, written or called.
//!
//! Hello, a channel without security (which discovery uses by design, OPC 10000-4, section 5.5), `GetEndpoints`, and an
//! orderly close.

mod facts;
mod read;
mod write;

use std::time::Duration;

use serde::Deserialize;

use super::talk::{Bounds, Talk};
use crate::model::{Answer, Time, Transport};
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};
use facts::Server;
use read::Channel;

/// Most ports of one question.
const MAX_PORTS: usize = 16;
/// Shortest message: kind and length.
const HEADER: usize = 8;
/// Channel, token, sequence and request number in front of each chunk.
const CHUNK_HEADER: usize = 16;

/// What is asked, as written under `ask: opcua:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// TCP ports, one connection each.
    pub ports: Vec<u16>,
    /// Longest wait for one connect, and for everything said over it.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for Question {
    fn default() -> Self {
        Self { ports: vec![4840], timeout: Duration::from_secs(5) }
    }
}

/// Asks each port in turn: `servers` with a row a port, `endpoints` and `certificates` of all of them, `answered`. A
/// port that is closed or speaks something else is part of the answer.
///
/// # Errors
///
/// The gate refused, the asset cannot be reached at all, or the question names no or too many ports.
pub async fn ask(question: &Question, gate: &Gate) -> Result<Answer, TransportError> {
    if !(1..=MAX_PORTS).contains(&question.ports.len()) {
        return Err(TransportError::Internal {
            endpoint: Endpoint::named(format!("opcua://{}", gate.address())),
            problem: format!("a question names between 1 and {MAX_PORTS} ports, this one {}", question.ports.len()),
        });
    }
    let mut servers = Vec::new();
    for port in &question.ports {
        servers.push(server(gate, *port, question.timeout, chrono::Utc::now()).await?);
    }
    Ok(Answer::Value(facts::value(&servers)))
}

async fn server(gate: &Gate, port: u16, timeout: Duration, now: Time) -> Result<Server, TransportError> {
    let bounds = Bounds { timeout, bytes: 2 * write::MAX_MESSAGE as usize };
    let mut talk = match Talk::open(gate, Transport::OpcUa, port, bounds).await {
        Ok(talk) => talk,
        Err(TransportError::Refused { .. }) => return Ok(Server::silent(port, "closed")),
        Err(TransportError::Timeout { .. }) => return Ok(Server::silent(port, "filtered")),
        Err(TransportError::Protocol { problem, .. }) => return Ok(Server::failed(port, problem)),
        Err(error) => return Err(error),
    };
    let discovered = discover(&mut talk, &url(gate.address(), port)).await;
    talk.close().await;
    match discovered {
        Ok(Ok(body)) => Ok(Server::read(port, &body, now)),
        Ok(Err(status)) => Ok(Server::failed(port, facts::status(status))),
        Err(refusal @ TransportError::Refusal(_)) => Err(refusal),
        Err(error) => Ok(Server::failed(port, error.to_string())),
    }
}

/// A server may choose its answer by the address that it is called by.
fn url(address: &str, port: u16) -> String {
    if address.contains(':') { format!("opc.tcp://[{address}]:{port}") } else { format!("opc.tcp://{address}:{port}") }
}

/// The body of the answer to `GetEndpoints`, or the status that the server gave in its place.
async fn discover(talk: &mut Talk, url: &str) -> Result<Result<Vec<u8>, u32>, TransportError> {
    talk.send(&write::hello(url)).await?;
    match receive(talk).await? {
        Message { kind: Kind::Acknowledge, .. } => {}
        Message { kind: Kind::Error, body, .. } => return read::error(&body).map(Err).map_err(|p| talk.broken(p)),
        _ => return Err(talk.broken("the answer to the hello is none")),
    }
    talk.send(&write::open_channel()).await?;
    let channel = match receive(talk).await? {
        Message { kind: Kind::Open, body, .. } => {
            // the channel stands in front and is repeated inside
            let body = body.get(4..).unwrap_or_default();
            match read::channel(body).map_err(|problem| talk.broken(problem))? {
                Ok(channel) => channel,
                Err(status) => return Ok(Err(status)),
            }
        }
        Message { kind: Kind::Error, body, .. } => return read::error(&body).map(Err).map_err(|p| talk.broken(p)),
        _ => return Err(talk.broken("the answer to the request for a channel is none")),
    };
    talk.send(&write::get_endpoints(channel.id, channel.token, url)).await?;
    let answer = collect(talk, channel).await;
    talk.send(&write::close_channel(channel.id, channel.token)).await.ok();
    answer
}

/// Puts an answer together from its chunks.
async fn collect(talk: &mut Talk, channel: Channel) -> Result<Result<Vec<u8>, u32>, TransportError> {
    let mut whole = Vec::new();
    for _ in 0..write::MAX_CHUNKS {
        let Message { kind, last, body } = receive(talk).await?;
        match kind {
            Kind::Message if body.len() >= CHUNK_HEADER && body[..4] == channel.id.to_le_bytes() => {
                whole.extend_from_slice(&body[CHUNK_HEADER..]);
            }
            Kind::Error => return read::error(&body).map(Err).map_err(|problem| talk.broken(problem)),
            _ => return Err(talk.broken("a chunk of another kind or channel")),
        }
        match last {
            b'F' => return Ok(Ok(whole)),
            b'C' if whole.len() <= write::MAX_MESSAGE as usize => {}
            b'C' => break,
            _ => return Err(talk.broken("it gave up in the middle of its answer")),
        }
    }
    Err(talk.broken("an answer without an end"))
}

/// One message of the connection protocol.
struct Message {
    kind: Kind,
    /// `F` final, `C` more to come, `A` aborted.
    last: u8,
    body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Acknowledge,
    Open,
    Message,
    Error,
}

async fn receive(talk: &mut Talk) -> Result<Message, TransportError> {
    let header = talk.array::<HEADER>().await?;
    let [a, b, c, last, length @ ..] = header;
    let kind = match &[a, b, c] {
        b"ACK" => Kind::Acknowledge,
        b"OPN" => Kind::Open,
        b"MSG" => Kind::Message,
        b"ERR" => Kind::Error,
        _ => return Err(talk.broken("the answer is no OPC UA")),
    };
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if !(HEADER..=write::CHUNK as usize).contains(&length) {
        return Err(talk.broken("a chunk is longer than agreed"));
    }
    Ok(Message { kind, last, body: talk.take(length - HEADER).await? })
}
