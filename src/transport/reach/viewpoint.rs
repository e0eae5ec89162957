//! A place to look from, opened once for a look: our own sockets, or a session with a host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Sight;
use super::cell::Found;
use crate::model::{AssetId, Missing, Transport};
use crate::transport::gate::{Gate, Refusal};
use crate::transport::{Endpoint, TransportError, ssh, tcp};

/// A host that one can look from, and the way to it.
#[derive(Clone)]
pub struct Viewpoint {
    /// Its own gate, which its session passes.
    pub gate: Gate,
    /// How it is logged in to.
    pub access: Arc<ssh::Access>,
    /// Jump hosts before it.
    pub hops: Vec<ssh::Hop>,
}

/// A way to connect from somewhere.
pub enum Way {
    /// From here.
    Direct,
    /// Through a session with a host.
    Through {
        /// The session.
        session: Box<ssh::Session>,
        /// The host's gate.
        gate: Gate,
    },
}

impl Viewpoint {
    /// Opens the way from a place; from here there is nothing to open.
    ///
    /// # Errors
    ///
    /// Why there is no session with the host.
    pub async fn open(
        place: &Sight,
        hosts: &BTreeMap<AssetId, Self>,
        host_keys: &dyn ssh::HostKeys,
    ) -> Result<Way, TransportError> {
        let Sight::Host(id) = place else { return Ok(Way::Direct) };
        let Some(host) = hosts.get(id) else {
            return Err(TransportError::Auth {
                endpoint: Endpoint::named(id.as_str()),
                problem: "a vantage needs access: { ssh: { credential: … } }".into(),
            });
        };
        let opened = Box::pin(ssh::open(&host.access, &host.gate, &host.hops, host_keys)).await;
        if !matches!(opened, Err(TransportError::Refusal(_))) {
            host.gate.contact_ended(opened.is_ok());
        }
        Ok(Way::Through { session: Box::new(opened?), gate: host.gate.clone() })
    }
}

impl Way {
    /// Connects to a port of the asset behind `target`, and closes in order.
    pub async fn connect(&mut self, target: Option<&Gate>, port: u16, wait: Duration) -> Found {
        let Some(target) = target else { return Found::untried("the asset has no gate") };
        let reached = match self {
            Self::Direct => direct(target, port, wait).await,
            Self::Through { session, gate } => through(session, gate, target, port, wait).await,
        };
        reached.unwrap_or_else(|error| sort(&error))
    }

    /// Who it goes through, for messages.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Direct => Endpoint::named("the daemon"),
            Self::Through { session, .. } => session.endpoint().clone(),
        }
    }

    /// Says goodbye to the host.
    pub async fn close(self) {
        if let Self::Through { session, .. } = self {
            session.close().await;
        }
    }
}

async fn direct(target: &Gate, port: u16, wait: Duration) -> Result<Found, TransportError> {
    Ok(match tcp::reach(target, Transport::Tcp, port, wait).await? {
        tcp::Reached::Open(stream) => {
            stream.close().await;
            Found::Open
        }
        tcp::Reached::Closed => Found::Refused,
        tcp::Reached::Filtered => Found::Filtered,
        tcp::Reached::NoWay(error) => Found::Unreachable(error.to_string()),
    })
}

async fn through(
    session: &ssh::Session,
    gate: &Gate,
    target: &Gate,
    port: u16,
    wait: Duration,
) -> Result<Found, TransportError> {
    // the session is one connection of its host, however many channels it opens: only what stops traffic stops it
    match gate.is_open(Transport::Ssh) {
        Err(refusal @ (Refusal::Inactive(_) | Refusal::Window(_))) => return Err(refusal.into()),
        _ if session.is_closed() => {
            return Err(TransportError::Protocol {
                endpoint: session.endpoint().clone(),
                problem: "the vantage ended the session".into(),
            });
        }
        _ => {}
    }
    let endpoint = Endpoint::new("tcp", target.address(), port);
    let address = target.resolve(port, &endpoint).await?;
    let slot = target.converse_behind(Transport::Tcp, gate).await?;
    slot.connection();
    let stop = slot.stop().clone();
    let host = address.ip().to_string();
    let reached = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Refusal::Inactive("the whole plant".into()).into()),
        reached = session.reach(&host, port, wait) => reached,
    };
    match reached {
        Ok(()) => Ok(Found::Open),
        Err(TransportError::Refused { .. }) => Ok(Found::Refused),
        // a session that died looks like silence
        Err(TransportError::Timeout { .. }) if !session.is_closed() => Ok(Found::Filtered),
        Err(error @ TransportError::Unreachable { .. }) if tcp::is_no_way(&error) => {
            Ok(Found::Unreachable(error.to_string()))
        }
        Err(TransportError::Privilege { problem, .. }) => Ok(Found::Prohibited(problem)),
        Err(error) => Err(error),
    }
}

fn sort(error: &TransportError) -> Found {
    Found::Untried(Missing::new(error.cause(), error.to_string()))
}
