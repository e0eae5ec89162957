//! Who asks: a user with a password, the holder of a token or of a client certificate, or nobody in particular.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::auth::{Tried, after};
use super::guests::neighbourhood;
use super::host::{HostName, is_ours};
use super::intake::{is_api, plain};
use super::router::{Door, Inner, Shared};
use super::tokens::{Role, TokenFile};
use super::v1::Refusal;

/// Longest name that a refusal repeats, in characters.
const LONGEST_NAME: usize = 100;

/// The address of the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// The name in the client certificate of a connection.
#[derive(Debug, Clone)]
pub(super) struct Certified(pub(super) Arc<str>);

/// What users and certificates may do, and where tokens are.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Roles by the name of a user or of a client certificate; who is not named is a viewer.
    pub roles: BTreeMap<String, Role>,
    /// The file of tokens.
    pub tokens: Option<PathBuf>,
    /// Names of this host, beside those of loopback, under which it may be looked at without a login.
    pub hosts: Vec<HostName>,
}

/// Who a request comes from.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// For the log and the ledger.
    pub(super) name: String,
    /// What they may do.
    pub(super) role: Role,
    /// Whether nobody has said who they are.
    pub(super) is_anonymous: bool,
    /// Whether they may do what any user could before there were roles: reload and the kill switch.
    pub(super) acts_as_ever: bool,
}

impl Caller {
    fn named(name: &str, roles: &BTreeMap<String, Role>) -> Self {
        let role = roles.get(name).copied().unwrap_or_default();
        Self { name: name.to_owned(), role, is_anonymous: false, acts_as_ever: roles.is_empty() }
    }

    fn anonymous(keys: &Keys) -> Self {
        let acts_as_ever = keys.is_empty() && keys.roles.is_empty();
        Self { name: "anonymous".to_owned(), role: Role::Viewer, is_anonymous: true, acts_as_ever }
    }
}

/// The tokens of a door.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    roles: Arc<BTreeMap<String, Role>>,
    file: Option<TokenFile>,
}

impl Keys {
    pub(super) fn new(access: &Access) -> Self {
        Self { roles: Arc::new(access.roles.clone()), file: access.tokens.as_deref().map(TokenFile::new) }
    }

    /// Whether there is a file of tokens.
    pub(super) const fn is_empty(&self) -> bool {
        self.file.is_none()
    }

    fn holder(&self, text: &str) -> Option<Caller> {
        let tokens = self.file.as_ref()?.current();
        let token = tokens.find(text, Utc::now())?;
        Some(Caller { name: token.name.clone(), role: token.role, is_anonymous: false, acts_as_ever: false })
    }
}

/// Lets in whom the door knows, and notes who it is.
pub(super) async fn authenticate(State(inner): Shared, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let certified = request.extensions().get::<Certified>().cloned();
    let path = request.uri().path();
    let (is_api, is_fixed) = (is_api(path), matches!(path, "/style.css" | "/live.js"));
    let caller = match who(&inner, request.headers(), peer, certified).await {
        Ok(caller) => caller,
        Err(refusal) if is_api => return refusal.into_response(),
        Err(refusal) => return plain(refusal),
    };
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if !is_fixed {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

async fn who(
    inner: &Inner,
    headers: &HeaderMap,
    peer: IpAddr,
    certified: Option<Certified>,
) -> Result<Caller, Refusal> {
    let door = inner.desk.door.load_full();
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !door.keys.is_empty()
        && let Some(token) = shown.and_then(|shown| after("Bearer", shown))
    {
        // a token cannot be guessed, so a good one is taken also from where bad ones came
        if let Some(holder) = door.keys.holder(token) {
            return Ok(holder);
        }
        spend(inner, peer)?;
        return Err(refuse(peer, "this token opens no door: it is wrong, revoked or has ended"));
    }
    if !door.users.is_empty()
        && let Some(shown) = shown
    {
        return Ok(Caller::named(&user(inner, &door, shown, peer).await?, &door.keys.roles));
    }
    let is_local = inner.desk.listens_at.is_loopback();
    if !door.users.is_empty() || (!door.keys.is_empty() && !door.certified && !is_local) {
        return Err(Refusal::Unauthenticated("a user name and a password, or a token, are needed"));
    }
    let keys = &door.keys;
    if let Some(certified) = certified {
        return Ok(Caller::named(&certified.0, &keys.roles));
    }
    // whoever bent a name to loopback has no certificate for it
    if is_local && door.is_plain {
        check_host(inner, &door, headers)?;
    }
    Ok(Caller::anonymous(keys))
}

/// The user whom a header proves. Who was proven before gets in also while somebody guesses from the same address.
async fn user(inner: &Inner, door: &Door, shown: &str, peer: IpAddr) -> Result<String, Refusal> {
    if let Some(user) = door.users.proven(shown) {
        return Ok(user);
    }
    spend(inner, peer)?;
    match door.users.authenticate(shown).await {
        Tried::Good(user) => {
            inner.failures.give_back(&neighbourhood(peer));
            Ok(user)
        }
        Tried::Wrong => Err(refuse(peer, "a user name and a password are needed")),
        Tried::Busy => {
            inner.failures.give_back(&neighbourhood(peer));
            Err(Refusal::TooMany { wait: 5 })
        }
    }
}

/// Refuses what was sent to a name that is none of ours.
fn check_host(inner: &Inner, door: &Door, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(host) = headers.get(header::HOST) else { return Ok(()) };
    let host = String::from_utf8_lossy(host.as_bytes());
    if is_ours(&host, inner.desk.listens_at, &door.hosts) {
        return Ok(());
    }
    Err(Refusal::WrongHost(host.chars().take(LONGEST_NAME).collect()))
}

/// Takes one of the logins that an address may try.
fn spend(inner: &Inner, peer: IpAddr) -> Result<(), Refusal> {
    inner.failures.take(&neighbourhood(peer)).map_err(|wait| Refusal::TooMany { wait: wait.as_secs() + 1 })
}

fn refuse(peer: IpAddr, why: &'static str) -> Refusal {
    tracing::warn!(%peer, "a login to the api was refused");
    Refusal::Unauthenticated(why)
}
