//! From a gate to a session that is logged in: connect, exchange keys, check the host key, prove who we are.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use russh::client::{self, AuthResult, ChannelOpenHandle, DisconnectReason, Handle};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{ChannelOpenFailure, ChannelStream, Disconnect, Names, SshId, cipher};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::failure::Scene;
use super::line::{Line, Opening};
use super::{Access, Algorithms, Credential, Deadlines, Hop, HostKeyPolicy, HostKeys, auth};
use crate::model::{Secret, Transport, Value};
use crate::transport::gate::Gate;
use crate::transport::{Endpoint, TransportError};

/// Bytes that may be under way to us; a small window keeps a flood out of our memory (russh's default is 2 MiB).
const WINDOW: u32 = 256 * 1024;
/// Messages that may wait for us within that window.
const WAITING_MESSAGES: usize = 16;
/// Longest wait for the peer while saying goodbye.
const GOODBYE: Duration = Duration::from_millis(300);

/// The account that asks for login methods; it never logs in.
const VISITOR: &str = "nis2watch";

/// A session that is logged in. Dropping it cuts the connection; [`Session::close`] says goodbye first.
pub struct Session {
    pub(super) handle: Handle<Client>,
    pub(super) seen: Shared,
    endpoint: Endpoint,
    gate: Gate,
    started: Instant,
    opening: Opening,
    algorithms: Algorithms,
    method: &'static str,
    /// russh's task has ended and its result was taken.
    joined: bool,
    _cut: DropGuard,
    /// The sessions this one is tunnelled through, nearest to us first.
    through: Vec<Session>,
}

/// What a session learnt about its peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) expected: Option<Vec<String>>,
    pub(super) fingerprint: Option<String>,
    pub(super) farewell: Option<String>,
    /// Why the last channel was not opened, in the peer's words.
    pub(super) no_channel: Option<String>,
    banner: String,
    names: Option<Names>,
}

/// [`Seen`], written by russh's task, read by ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Seen>>);

impl Shared {
    pub(super) fn now(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Answers russh's callbacks.
pub(super) struct Client(Shared);

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let mut welcome = false;
        self.0.note(|seen| {
            welcome = seen.expected.as_ref().is_none_or(|expected| expected.contains(&fingerprint));
            seen.fingerprint = Some(fingerprint);
        });
        Ok(welcome)
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &Names,
        session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let banner = String::from_utf8_lossy(session.remote_sshid()).into_owned();
        self.0.note(|seen| (seen.names, seen.banner) = (Some(names.clone()), banner));
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _: russh::ChannelId,
        _: ChannelOpenFailure,
        description: &str,
        _: &str,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.0.note(|seen| seen.no_channel = Some(description.chars().take(256).collect()));
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: russh::Channel<client::Msg>,
        _: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        // russh accepts by default; dropping the handle refuses
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.0.note(|seen| seen.farewell = Some(info.message.chars().take(256).collect()));
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

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

/// What a key exchange and the request `none` tell about a server.
pub(in crate::transport) struct Knock {
    pub(in crate::transport) key_type: String,
    pub(in crate::transport) fingerprint: String,
    pub(in crate::transport) methods: Vec<&'static str>,
}

/// Asks for login methods without a credential. Any host key is taken and any algorithm, for nothing is said
/// that must be kept from anybody.
pub(in crate::transport) async fn knock(gate: &Gate, port: u16, wait: Duration) -> Result<Knock, TransportError> {
    let nothing = Credential::Password(Secret::new(String::new()));
    let access = Access {
        port,
        algorithms: Algorithms::Legacy,
        deadlines: Deadlines { connect: wait, handshake: wait, auth: wait, ..Deadlines::default() },
        ..Access::new(VISITOR, nothing, HostKeyPolicy::Learn)
    };
    let opener = Opener { transport: Transport::SshService, ..Opener::new(&access, gate) };
    let cut = CancellationToken::new();
    let _cut_at_the_end = cut.clone().drop_guard();
    let mut handle = opener.exchange_keys(opener.line(None, &cut).await?).await?;
    let asked = timeout(wait, Box::pin(handle.authenticate_none(VISITOR))).await;
    let seen = opener.shared.now();
    let methods = match asked {
        Ok(Ok(AuthResult::Success)) => vec!["none"],
        Ok(Ok(AuthResult::Failure { .. })) if handle.is_closed() => {
            return Err(opener.scene(&seen).explain(russh::Error::Disconnect, wait));
        }
        Ok(Ok(AuthResult::Failure { remaining_methods, .. })) => remaining_methods.iter().map(<&str>::from).collect(),
        Ok(Err(error)) => return Err(opener.scene(&seen).explain(error, wait)),
        Err(_) => return Err(opener.scene(&seen).timeout(wait)),
    };
    let goodbye = async {
        handle.disconnect(Disconnect::ByApplication, "", "").await.ok();
        handle.await.ok();
    };
    timeout(GOODBYE, goodbye).await.ok();
    let key_type = seen.names.map(|names| names.key.to_string()).unwrap_or_default();
    Ok(Knock { key_type, fingerprint: seen.fingerprint.unwrap_or_default(), methods })
}

/// One session on its way to be opened.
struct Opener<'a> {
    access: &'a Access,
    gate: &'a Gate,
    transport: Transport,
    endpoint: Endpoint,
    opening: Opening,
    shared: Shared,
}

impl<'a> Opener<'a> {
    fn new(access: &'a Access, gate: &'a Gate) -> Self {
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
            joined: false,
            _cut: guard,
            through: Vec::new(),
        }
    }

    async fn line(&self, jump: Option<&Session>, cut: &CancellationToken) -> Result<Line, TransportError> {
        let wait = self.access.deadlines.connect;
        let Some(jump) = jump else {
            let stream = self.gate.connect(self.transport, self.access.port, wait).await?;
            return Ok(Line::direct(stream, cut, self.opening.clone()));
        };
        let slot = self.gate.converse(Transport::Ssh).await?;
        slot.connection();
        let channel = jump.tunnel(self.gate.address(), self.access.port, wait).await?;
        Ok(Line::tunnel(channel, slot, cut, self.opening.clone()))
    }

    async fn exchange_keys(&self, line: Line) -> Result<Handle<Client>, TransportError> {
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
                self.gate.login_accepted();
                Ok(method)
            }
            Ok(Err(auth::Failure::Refused(problem))) => {
                if let stopped @ TransportError::Refusal(_) = self.scene(&seen).timeout(wait) {
                    return Err(stopped);
                }
                self.gate.login_refused(Transport::Ssh);
                let farewell = seen.farewell.map(|text| format!(", saying {}", super::failure::quote(text.as_bytes())));
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

    fn scene<'s>(&'s self, seen: &'s Seen) -> Scene<'s> {
        Scene {
            endpoint: &self.endpoint,
            gate: self.gate,
            algorithms: self.access.algorithms,
            opening: &self.opening,
            seen,
        }
    }
}

impl Session {
    /// Who it is with.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// When the gate let it through.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Opens a TCP connection from the peer to somewhere else, which the caller's gate has allowed.
    ///
    /// # Errors
    ///
    /// `Privilege` when the peer prohibits forwarding, `Refused` or `Unreachable` when it could not connect.
    pub async fn tunnel(
        &self,
        host: &str,
        port: u16,
        wait: Duration,
    ) -> Result<ChannelStream<client::Msg>, TransportError> {
        let opened = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        let target = Endpoint::new("ssh", host, port);
        match timeout(wait, Box::pin(opened)).await {
            Ok(Ok(channel)) => Ok(channel.into_stream()),
            Ok(Err(russh::Error::ChannelOpenFailure(why))) => Err(self.no_tunnel(target, &why)),
            Ok(Err(error)) => Err(self.explain(error, wait)),
            Err(_) => Err(TransportError::Timeout { endpoint: target, timeout: wait }),
        }
    }

    fn no_tunnel(&self, target: Endpoint, why: &ChannelOpenFailure) -> TransportError {
        let said = self.seen.now().no_channel.unwrap_or_default();
        match why {
            ChannelOpenFailure::AdministrativelyProhibited => TransportError::Privilege {
                endpoint: self.endpoint.clone(),
                problem: format!(
                    "this jump host prohibits forwarding to {target}: set AllowTcpForwarding and PermitOpen for the account"
                ),
            },
            ChannelOpenFailure::ConnectFailed if said.contains("refused") => {
                TransportError::Refused { endpoint: target }
            }
            _ => TransportError::Unreachable {
                endpoint: target,
                source: std::io::Error::other(format!(
                    "jump host {} says {}",
                    self.endpoint,
                    super::failure::quote(said.as_bytes())
                )),
            },
        }
    }

    /// What was negotiated, as the facts of `ssh_session`.
    #[must_use]
    pub fn facts(&self) -> Value {
        let seen = self.seen.now();
        let names = seen.names.as_ref();
        let text = |text: Option<String>| text.map_or(Value::Null, Value::from);
        // an AEAD cipher brings its own integrity, whatever MAC was agreed on beside it
        let mac = |names: &Names| match names.cipher {
            cipher::CHACHA20_POLY1305 | cipher::AES_128_GCM | cipher::AES_256_GCM => "implicit".to_owned(),
            _ => names.client_mac.as_ref().to_owned(),
        };
        Value::map([
            ("kex", text(names.map(|names| names.kex.as_ref().to_owned()))),
            ("host_key", text(names.map(|names| names.key.to_string()))),
            ("cipher", text(names.map(|names| names.cipher.as_ref().to_owned()))),
            ("mac", text(names.map(mac))),
            ("strict_kex", names.map_or(Value::Null, |names| Value::from(names.strict_kex()))),
            ("server_version", Value::text(seen.banner)),
            ("host_key_sha256", text(seen.fingerprint)),
            ("auth_method", Value::from(self.method)),
            ("profile", Value::from(self.algorithms.word())),
        ])
    }

    pub(super) fn explain(&self, error: russh::Error, wait: Duration) -> TransportError {
        let seen = self.seen.now();
        self.scene(&seen).explain(error, wait)
    }

    pub(super) fn scene<'s>(&'s self, seen: &'s Seen) -> Scene<'s> {
        Scene { endpoint: &self.endpoint, gate: &self.gate, algorithms: self.algorithms, opening: &self.opening, seen }
    }

    /// Whether russh's task ended by a panic, on our side or on that of a jump host.
    pub(super) fn panicked(&mut self) -> bool {
        let own = (!self.joined && self.handle.is_closed()).then(|| (&mut self.handle).now_or_never()).flatten();
        self.joined |= own.is_some();
        matches!(own, Some(Err(russh::Error::Join(_)))) || self.through.iter_mut().any(Self::panicked)
    }

    /// Says goodbye, to the asset first and to the jump hosts after it, and lets go.
    pub async fn close(mut self) {
        let mut through = std::mem::take(&mut self.through);
        self.say_goodbye().await;
        while let Some(mut hop) = through.pop() {
            hop.say_goodbye().await;
        }
    }

    async fn say_goodbye(&mut self) {
        let goodbye = async {
            self.handle.disconnect(Disconnect::ByApplication, "", "").await.ok();
            // ends when russh has sent it; an error of a session that we end concerns nobody
            if !self.joined {
                (&mut self.handle).await.ok();
            }
        };
        timeout(GOODBYE, goodbye).await.ok();
    }
}
