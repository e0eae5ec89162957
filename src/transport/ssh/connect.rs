//! From a gate to a session that is logged in: connect, exchange keys, check the host key, prove who we are.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use russh::SshId;
use russh::client::{self, Handle};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{Client, Seen, Shared};
use super::failure::{Scene, quote};
use super::line::{Line, Opening};
use super::{Access, Hop, HostKeys, Session, auth};
use crate::model::Transport;
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};

/// Bytes that may be under way to us; a small window keeps a flood out of our memory (russh's default is 2 MiB).
const WINDOW: u32 = 256 * 1024;
/// Messages that may wait for us within that window.
const WAITING_MESSAGES: usize = 16;

/// Opens a session with an asset, over jump hosts if there are any (nearest to us first).
///
/// # Errors
///
/// Why there is no session; a host key is judged before any credential is sent.
pub async fn open(
    access: &Access,
    gate: &Gate,
    hops: &[Hop],
    host_keys: &dyn HostKeys,
) -> Result<Session, TransportError> {
    let mut through: Vec<Session> = Vec::new();
    for hop in hops {
        let next = Opener::new(&hop.access, &hop.gate).login(through.last(), host_keys).await?;
        through.push(next);
    }
    let mut session = Opener::new(access, gate).login(through.last(), host_keys).await?;
    session.through = through;
    Ok(session)
}

/// One session on its way to be opened.
pub(super) struct Opener<'a> {
    access: &'a Access,
    gate: &'a Gate,
    pub(super) transport: Transport,
    endpoint: Endpoint,
    opening: Opening,
    pub(super) shared: Shared,
}

impl<'a> Opener<'a> {
    pub(super) fn new(access: &'a Access, gate: &'a Gate) -> Self {
        let endpoint = Endpoint::new("ssh", gate.address(), access.port);
        Self {
            access,
            gate,
            transport: Transport::Ssh,
            endpoint,
            opening: Opening::default(),
            shared: Shared::default(),
        }
    }

    async fn login(&self, jump: Option<&Session>, host_keys: &dyn HostKeys) -> Result<Session, TransportError> {
        let address = format!("{}:{}", self.gate.address(), self.access.port);
        let expected = self.access.host_key.expected(host_keys, self.gate.asset(), &address);
        let first_contact = expected.is_none();
        self.shared.note(|seen| seen.expected = expected);
        let cut = CancellationToken::new();
        let guard = cut.clone().drop_guard();
        let line = self.line(jump, &cut).await?;
        let started = Instant::now();
        let mut handle = self.exchange_keys(line).await?;
        if let (true, Some(fingerprint)) = (first_contact, self.shared.now().fingerprint) {
            host_keys.learn(self.gate.asset(), &address, &fingerprint);
        }
        let method = self.authenticate(&mut handle).await?;
        Ok(self.session(handle, method, started, guard))
    }

    fn session(&self, handle: Handle<Client>, method: &'static str, started: Instant, guard: DropGuard) -> Session {
        Session {
            handle,
            seen: self.shared.clone(),
            endpoint: self.endpoint.clone(),
            gate: self.gate.clone(),
            started,
            opening: self.opening.clone(),
            algorithms: self.access.algorithms,
            method,
            given_up: AtomicBool::new(false),
            joined: false,
            cut: guard,
            through: Vec::new(),
        }
    }

    pub(super) async fn line(&self, jump: Option<&Session>, cut: &CancellationToken) -> Result<Line, TransportError> {
        let wait = self.access.deadlines.connect;
        let Some(jump) = jump else {
            let stream = self.gate.connect(self.transport, self.access.port, wait).await?;
            return Ok(Line::direct(stream, cut, self.opening.clone()));
        };
        let slot = self.gate.converse_behind(Transport::Ssh, &jump.gate).await?;
        slot.connection();
        let channel = jump.tunnel(self.gate.address(), self.access.port, wait).await?;
        Ok(Line::tunnel(channel, slot, cut, self.opening.clone()))
    }

    pub(super) async fn exchange_keys(&self, line: Line) -> Result<Handle<Client>, TransportError> {
        let config = client::Config {
            client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-nis2watch_", env!("CARGO_PKG_VERSION")))),
            window_size: WINDOW,
            channel_buffer_size: WAITING_MESSAGES,
            preferred: self.access.algorithms.preferred(),
            ..client::Config::default()
        };
        let wait = self.access.deadlines.handshake;
        // boxed: russh's handshake is a large future
        let exchange = Box::pin(client::connect_stream(Arc::new(config), line, Client(self.shared.clone())));
        match timeout(wait, exchange).await {
            Ok(Ok(handle)) => Ok(handle),
            Ok(Err(error)) => Err(self.scene(&self.shared.now()).explain(error, wait)),
            Err(_) => Err(self.scene(&self.shared.now()).timeout(wait)),
        }
    }

    async fn authenticate(&self, handle: &mut Handle<Client>) -> Result<&'static str, TransportError> {
        let wait = self.access.deadlines.auth;
        let tried = timeout(wait, Box::pin(auth::login(handle, self.access))).await;
        let seen = self.shared.now();
        match tried {
            Ok(Ok(method)) => {
                self.gate.login_accepted(Transport::Ssh);
                Ok(method)
            }
            Ok(Err(auth::Failure::Refused(problem))) => {
                if let stopped @ TransportError::Refusal(_) = self.scene(&seen).timeout(wait) {
                    return Err(stopped);
                }
                self.gate.login_refused(Transport::Ssh);
                let farewell = seen.farewell.map(|text| format!(", saying {}", quote(text.as_bytes())));
                Err(self.auth_error(format!("{problem}{}", farewell.unwrap_or_default())))
            }
            Ok(Err(auth::Failure::Unusable(problem))) => Err(self.auth_error(problem)),
            Ok(Err(auth::Failure::Broken(error))) => Err(self.scene(&seen).explain(error, wait)),
            Err(_) => Err(self.scene(&seen).timeout(wait)),
        }
    }

    fn auth_error(&self, problem: String) -> TransportError {
        TransportError::Auth { endpoint: self.endpoint.clone(), problem }
    }

    pub(super) fn scene<'s>(&'s self, seen: &'s Seen) -> Scene<'s> {
        Scene {
            endpoint: &self.endpoint,
            gate: self.gate,
            algorithms: self.access.algorithms,
            opening: &self.opening,
            seen,
        }
    }
}
