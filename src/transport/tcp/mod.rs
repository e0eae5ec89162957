//! Plain TCP connects: which ports answer.
//!
//! A full connect and an orderly close, never a half-open probe, and not one byte is sent. A port that the
//! gate did not let us try is never reported as closed: the whole question fails with the gate's refusal.

mod banner;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;

use super::gate::{Gate, Stream};
use super::{Endpoint, TransportError};
use crate::model::{Answer, FactId, Transport, Value};

/// Most ports in one question: a list of services, not a sweep.
const MAX_PORTS: usize = 1024;

/// Most silent ports that are asked once more; with more of them a firewall is at work, not a lost packet.
const MAX_ASKED_AGAIN: usize = 8;

/// Silent ports in a row after which a fragile device that has not answered at all is left in peace.
const SILENCES: usize = 3;

/// Which ports to try, as written under `ask: tcp:`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// TCP ports, each contacted once.
    pub ports: Vec<u16>,
    /// Whether to try besides those the ports that the inventory names for the asset: approved ones, and those of its
    /// services.
    #[serde(default)]
    pub declared: bool,
    /// Whether to wait a moment for what an open port says by itself; nothing is sent.
    #[serde(default)]
    pub banner: bool,
    /// Longest wait for one connect; a port that does not answer within it is filtered.
    #[serde(default = "default_timeout", with = "humantime_serde")]
    pub timeout: Duration,
}

/// `connect_timeout_s` of `asset-open-ports`.
fn default_timeout() -> Duration {
    Duration::from_secs(3)
}

/// One question and the fact it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The fact.
    pub fact: &'a FactId,
    /// What to ask.
    pub question: &'a Question,
}

/// What a connect found.
pub(super) enum Reached {
    /// The port is open.
    Open(Stream),
    /// Somebody answered with a reset.
    Closed,
    /// Nothing came back.
    Filtered,
    /// A router, a firewall or our own network stack says that there is no way there.
    NoWay(TransportError),
}

/// Connects once and sorts what became of it.
///
/// # Errors
///
/// What says nothing about the port: a refusal of the gate, a name without an address, a defect on our side.
pub(super) async fn reach(
    gate: &Gate,
    transport: Transport,
    port: u16,
    timeout: Duration,
) -> Result<Reached, TransportError> {
    match gate.connect(transport, port, timeout).await {
        Ok(stream) => Ok(Reached::Open(stream)),
        Err(TransportError::Refused { .. }) => Ok(Reached::Closed),
        Err(TransportError::Timeout { .. }) => Ok(Reached::Filtered),
        Err(error @ TransportError::Unreachable { .. }) if is_no_way(&error) => Ok(Reached::NoWay(error)),
        Err(error) => Err(error),
    }
}

/// A firewall that rejects politely looks like a missing host; whether it is one, the other ports tell.
pub(super) fn is_no_way(error: &TransportError) -> bool {
    let TransportError::Unreachable { source, .. } = error else { return false };
    matches!(source.kind(), io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable)
}

/// What is known of one port.
enum Port {
    Open(String),
    Closed,
    Filtered,
    NoWay(TransportError),
}

/// Contacts each port of all questions once and deals the answers out, in order.
pub async fn ask(asks: &[Ask<'_>], gate: &Gate) -> Vec<Result<Answer, TransportError>> {
    let ports = contact(asks, gate).await;
    let answered = ports.values().any(|port| matches!(port, Ok(Port::Open(_) | Port::Closed)));
    asks.iter().map(|ask| deal(ask.question, &ports, answered, gate)).collect()
}

impl Question {
    /// Most connections that it opens; a fragile asset gets no second look.
    #[must_use]
    pub fn connections(&self, fragile: bool) -> usize {
        // a second look needs a port that refused
        let again = if fragile { 0 } else { self.ports.len().saturating_sub(1).min(MAX_ASKED_AGAIN) };
        self.ports.len() + again
    }
}

/// The union of all questions. A port that stays silent on a host that refuses others is asked once more: such a host
/// hides nothing behind a firewall that drops all, so the first packet may just have been lost. Fragile assets are spared.
async fn contact(asks: &[Ask<'_>], gate: &Gate) -> BTreeMap<u16, Result<Port, TransportError>> {
    let questions = || asks.iter().map(|ask| ask.question).filter(|question| is_reasonable(question));
    let banners: BTreeSet<u16> = questions().filter(|q| q.banner).flat_map(|q| q.ports.iter().copied()).collect();
    let mut wanted: Vec<(u16, Duration)> = Vec::new();
    for (port, timeout) in questions().flat_map(|q| q.ports.iter().map(|port| (*port, q.timeout))) {
        match wanted.iter_mut().find(|(known, _)| *known == port) {
            Some((_, longest)) => *longest = timeout.max(*longest),
            None => wanted.push((port, timeout)),
        }
    }
    let mut ports = sweep(&wanted, &banners, gate).await;
    let is = |kind: fn(&Port) -> bool| move |port: &Result<Port, _>| port.as_ref().is_ok_and(kind);
    let silent = is(|port| matches!(port, Port::Filtered));
    wanted.retain(|(port, _)| ports.get(port).is_some_and(silent));
    let refuses = ports.values().any(is(|port| matches!(port, Port::Closed)));
    if refuses && !gate.limits().fragile && (1..=MAX_ASKED_AGAIN).contains(&wanted.len()) {
        // a refusal of the gate now takes nothing away from the first answer
        ports.extend(sweep(&wanted, &banners, gate).await.into_iter().filter(|(_, found)| found.is_ok()));
    }
    ports
}

/// Contacts each port once, in this order, at most as many connections at once as the asset tolerates.
async fn sweep(
    wanted: &[(u16, Duration)],
    banners: &BTreeSet<u16>,
    gate: &Gate,
) -> BTreeMap<u16, Result<Port, TransportError>> {
    // what fails for one port for a reason of its own says nothing new at the next: stop at the first
    let hopeless = AtomicBool::new(false);
    let patience = Patience::of(gate);
    let (hopeless, patience) = (&hopeless, &patience);
    let contacts = wanted.iter().copied().map(|(port, timeout)| async move {
        if hopeless.load(Ordering::Relaxed) {
            return None;
        }
        let found = contact_port(gate, port, timeout, banners.contains(&port)).await;
        let found = found.and_then(|found| patience.after(found, port, timeout, gate));
        hopeless.fetch_or(found.is_err(), Ordering::Relaxed);
        Some((port, found))
    });
    let at_once = gate.limits().at_once.max(1) as usize;
    futures::stream::iter(contacts).buffer_unordered(at_once).filter_map(std::future::ready).collect().await
}

/// How long a device that says nothing is pressed: a fragile one is left in peace after few silences in a row.
struct Patience {
    limited: bool,
    answered: AtomicBool,
    silences: AtomicUsize,
}

impl Patience {
    fn of(gate: &Gate) -> Self {
        let limited = gate.limits().fragile;
        Self { limited, answered: AtomicBool::new(false), silences: AtomicUsize::new(0) }
    }

    fn after(&self, found: Port, port: u16, timeout: Duration, gate: &Gate) -> Result<Port, TransportError> {
        if matches!(found, Port::Open(_) | Port::Closed) {
            self.answered.store(true, Ordering::Relaxed);
            return Ok(found);
        }
        let silences = self.silences.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.limited || silences < SILENCES || self.answered.load(Ordering::Relaxed) {
            return Ok(found);
        }
        Err(match found {
            Port::NoWay(error) => error,
            _ => TransportError::Timeout { endpoint: Endpoint::new("tcp", gate.address(), port), timeout },
        })
    }
}

async fn contact_port(gate: &Gate, port: u16, timeout: Duration, banner: bool) -> Result<Port, TransportError> {
    Ok(match reach(gate, Transport::Tcp, port, timeout).await? {
        Reached::Open(mut stream) => {
            let said = if banner { banner::read(&mut stream).await } else { String::new() };
            stream.close().await;
            Port::Open(said)
        }
        Reached::Closed => Port::Closed,
        Reached::Filtered => Port::Filtered,
        Reached::NoWay(error) => Port::NoWay(error),
    })
}

fn deal(
    question: &Question,
    ports: &BTreeMap<u16, Result<Port, TransportError>>,
    answered: bool,
    gate: &Gate,
) -> Result<Answer, TransportError> {
    if !is_reasonable(question) {
        let problem = format!("a question names between 1 and {MAX_PORTS} ports, this one {}", question.ports.len());
        return Err(TransportError::Internal { endpoint: Endpoint::named(gate.address()), problem });
    }
    let (mut open, mut closed, mut filtered) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut banners = BTreeMap::new();
    for port in &question.ports {
        match ports.get(port) {
            Some(Ok(Port::Open(said))) => {
                open.insert(*port);
                banners.insert(port.to_string(), Value::text(said));
            }
            Some(Ok(Port::Closed)) => drop(closed.insert(*port)),
            // a host that answered elsewhere exists, so this is a firewall speaking
            Some(Ok(Port::NoWay(error))) if !answered => return Err(error.again()),
            Some(Ok(Port::Filtered | Port::NoWay(_))) => drop(filtered.insert(*port)),
            Some(Err(error)) => return Err(error.again()),
            None => return Err(first_error(ports, gate)),
        }
    }
    let list = |ports: &BTreeSet<u16>| Value::list(ports.iter().map(|port| Value::from(*port)));
    let mut fields = vec![
        ("open", list(&open)),
        ("closed", list(&closed)),
        ("filtered", list(&filtered)),
        ("answered", Value::Bool(!open.is_empty() || !closed.is_empty())),
    ];
    if question.banner {
        fields.push(("banners", Value::map(banners)));
    }
    Ok(Answer::Value(Value::map(fields)))
}

/// Why a port was not tried.
fn first_error(ports: &BTreeMap<u16, Result<Port, TransportError>>, gate: &Gate) -> TransportError {
    ports.values().find_map(|port| port.as_ref().err()).map_or_else(
        || TransportError::Internal {
            endpoint: Endpoint::named(gate.address()),
            problem: "a port was not tried".into(),
        },
        TransportError::again,
    )
}

fn is_reasonable(question: &Question) -> bool {
    (1..=MAX_PORTS).contains(&question.ports.len())
}

#[cfg(test)]
mod tests;
