//! What all SNMP visits share: one socket a family, what is known of SNMPv3 engines, and keys made of passwords.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_snmp::{
    Auth, AuthProtocol as WireAuth, Client, ClientBuilder, CryptoResult, DesSaltState, EngineCache, MasterKeys,
    PersistedDesSaltState, PrivProtocol as WirePriv, Result, Retry, UdpTransport, UsmConfig,
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::access::{AuthProtocol, Credential, PrivProtocol, Version};
use super::wire::Wire;
use crate::model::Secret;
use crate::transport::gate::Slot;

/// The whole datagram must fit: with the library's 1472 bytes, net-snmp answers GETBULK over SNMPv3 with genErr.
const RECEIVE_CAPACITY: usize = 65_507;
/// Room for the answers of some thousand assets asked at once; the kernel may grant less.
const RECEIVE_BUFFER: usize = 4 << 20;
/// How long an engine identifier is remembered: longer than the longest schedule of a posture check.
const ENGINE_MEMORY: Duration = Duration::from_hours(24);
/// Engines remembered.
const MOST_ENGINES: usize = 50_000;
/// Credentials whose keys are remembered; making one costs a megabyte of hashing.
const MOST_KEYS: usize = 1_000;

/// Shared by all visits; cheap until the first one. Its sockets receive on the runtime of the first visit, so it must
/// not outlive that; nothing here needs more than one thread.
pub struct Engine {
    v4: OnceCell<UdpTransport>,
    v6: OnceCell<UdpTransport>,
    known: Arc<EngineCache>,
    keys: Mutex<HashMap<[u8; 32], MasterKeys>>,
    salt: DesSaltState,
}

/// How much of a user's credential is put to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// All that is configured.
    Full,
    /// Signed, not encrypted.
    NoPrivacy,
    /// The name alone.
    NoAuth,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// Builds it; opens nothing yet.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the epoch is always in range")]
    pub fn new() -> Self {
        // RFC 3414 section 8.1.1.1 wants DES salts that never repeat under one key, across restarts as well. A random
        // epoch of 31 bits in place of a stored counter makes a repetition unlikely enough for a cipher this old.
        let epoch = rand::random_range(1..2_000_000_000);
        let salt = PersistedDesSaltState::new(epoch)
            .and_then(|state| DesSaltState::restart(state, |_| Ok::<(), std::io::Error>(())))
            .expect("the epoch is in range and nothing is stored");
        Self {
            v4: OnceCell::new(),
            v6: OnceCell::new(),
            known: Arc::new(EngineCache::new().with_ttl(ENGINE_MEMORY).with_max_capacity(MOST_ENGINES)),
            keys: Mutex::default(),
            salt,
        }
    }

    /// A visit's wire to one agent.
    pub(super) async fn wire(&self, target: SocketAddr, strict_source: bool, slot: Slot) -> Result<Wire> {
        let socket = if target.is_ipv4() { &self.v4 } else { &self.v6 };
        let socket = socket.get_or_try_init(|| open(target)).await?;
        Ok(Wire::new(socket.handle(target)?.strict_source(strict_source), slot))
    }

    /// The same visit over a socket of its own, where nobody else's datagrams arrive.
    pub(super) async fn own_wire(target: SocketAddr, strict_source: bool, wire: &Wire) -> Result<Wire> {
        Ok(wire.over(open(target).await?.handle(target)?.strict_source(strict_source)))
    }

    /// A client over a wire. Unauthenticated reports must reach us: without them a wrong password looks like a dead
    /// device (and `strict_source` keeps strangers from sending them).
    pub(super) fn client(&self, wire: Wire, auth: Auth, timeout: Duration, retries: u32) -> Result<Client<Wire>> {
        let retry = Retry::fixed(retries, Duration::ZERO).unwrap_or_else(|_| Retry::none());
        ClientBuilder::new(auth)
            .request_timeout(timeout)
            .retry(retry)
            .engine_cache(Arc::clone(&self.known))
            .des_salt_state(self.salt.clone())
            .allow_unauthenticated_v3_time_correction(true)
            .build_with_transport(wire)
    }

    /// What to show the agent; `None` when there is no credential.
    pub(super) fn auth(&self, version: Version, credential: &Credential, level: Level) -> CryptoResult<Option<Auth>> {
        Ok(Some(match credential {
            Credential::None => return Ok(None),
            Credential::Community(community) if version == Version::V1 => Auth::v1(community.expose()),
            Credential::Community(community) => Auth::v2c(community.expose()),
            Credential::User { name, auth, privacy, context } => {
                let user = UsmConfig::new(name.clone().into_bytes()).context_name(context.clone().into_bytes());
                match (auth, privacy) {
                    (Some(auth), privacy) if level != Level::NoAuth => {
                        let privacy = privacy.as_ref().filter(|_| level == Level::Full);
                        user.with_master_keys(self.keys(auth, privacy)?)?.into()
                    }
                    _ => user.into(),
                }
            }
        }))
    }

    /// The identifier of the engine behind an address, if known.
    pub(super) fn of(&self, target: SocketAddr) -> Option<Bytes> {
        self.known.get(&target).map(|engine| engine.engine_id().clone())
    }

    /// Forgets the engine behind an address: a replaced device has another one.
    pub(super) fn forget(&self, target: SocketAddr) {
        self.known.remove(&target);
    }

    fn keys(
        &self,
        auth: &(AuthProtocol, Secret),
        privacy: Option<&(PrivProtocol, Secret)>,
    ) -> CryptoResult<MasterKeys> {
        let name = fingerprint(auth, privacy);
        if let Some(keys) = self.remembered().get(&name) {
            return Ok(keys.clone());
        }
        let mut keys = MasterKeys::new(auth.0.into(), auth.1.expose().as_bytes())?;
        if let Some((protocol, password)) = privacy {
            keys = keys.with_privacy((*protocol).into(), password.expose().as_bytes())?;
        }
        let mut remembered = self.remembered();
        if remembered.len() >= MOST_KEYS {
            remembered.clear();
        }
        remembered.insert(name, keys.clone());
        Ok(keys)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], MasterKeys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

/// A socket that can reach such an address.
async fn open(target: SocketAddr) -> Result<UdpTransport> {
    let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    UdpTransport::builder()
        .bind(any)
        .receive_capacity(RECEIVE_CAPACITY)
        .recv_buffer_size(RECEIVE_BUFFER)
        .warn_on_source_mismatch(false)
        .build()
        .await
}

/// Names a pair of passwords without keeping them.
fn fingerprint(auth: &(AuthProtocol, Secret), privacy: Option<&(PrivProtocol, Secret)>) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update([auth.0 as u8]);
    digest.update((auth.1.expose().len() as u64).to_be_bytes());
    digest.update(auth.1.expose());
    if let Some((protocol, password)) = privacy {
        digest.update([*protocol as u8]);
        digest.update(password.expose());
    }
    digest.finalize().into()
}

impl From<AuthProtocol> for WireAuth {
    fn from(protocol: AuthProtocol) -> Self {
        match protocol {
            AuthProtocol::Md5 => Self::Md5,
            AuthProtocol::Sha1 => Self::Sha1,
            AuthProtocol::Sha224 => Self::Sha224,
            AuthProtocol::Sha256 => Self::Sha256,
            AuthProtocol::Sha384 => Self::Sha384,
            AuthProtocol::Sha512 => Self::Sha512,
        }
    }
}

impl From<PrivProtocol> for WirePriv {
    fn from(protocol: PrivProtocol) -> Self {
        match protocol {
            PrivProtocol::Des => Self::Des,
            PrivProtocol::Des3 => Self::Des3,
            PrivProtocol::Aes128 => Self::Aes128,
            PrivProtocol::Aes192 => Self::Aes192Blumenthal,
            PrivProtocol::Aes256 => Self::Aes256Blumenthal,
            PrivProtocol::Aes192Cisco => Self::Aes192Reeder,
            PrivProtocol::Aes256Cisco => Self::Aes256Reeder,
        }
    }
}
