//! Who may act. Refused are a stranger beyond loopback, somebody without the role, and a page of another site in the browser of
//! somebody who may.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use super::caller::Caller;
use super::host::is_ours;
use super::router::Inner;
use super::tokens::Role;
use super::v1::Refusal;

/// Whether a browser says that a page of another site sent this.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let authority = |origin: &str| origin.split_once("://").map(|(_, authority)| authority.to_owned());
    text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"))
        || text("origin").is_some_and(|origin| authority(origin).as_deref() != Some(host))
}

/// Somebody who may do what the endpoints below `/-/` do.
pub(super) struct Admitted(pub(super) String);

impl FromRequestParts<Arc<Inner>> for Admitted {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, inner: &Arc<Inner>) -> Result<Self, Self::Rejection> {
        let refuse = |why| Err((StatusCode::FORBIDDEN, why));
        let Some(caller) = parts.extensions.get::<Caller>() else { return refuse("nobody asks\n") };
        let door = inner.desk.door.load();
        if caller.is_anonymous && !door.certified && !inner.desk.listens_at.is_loopback() {
            return refuse(
                "acts need basic_auth_users or client certificates in the web configuration file, or a token (api.tokens), \
                 because the listener is not on loopback\n",
            );
        }
        if is_foreign(&parts.headers) {
            return refuse("this request came from another site\n");
        }
        // a name that was bent to point to loopback is "the same site" to a browser
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if caller.is_anonymous && !door.certified && !is_ours(host, inner.desk.listens_at, &door.hosts) {
            return refuse(
                "without users, acts are only taken at an address of loopback, localhost or a name of api.hosts\n",
            );
        }
        if caller.role < Role::Operator && !caller.acts_as_ever {
            return refuse("this needs the role operator: api.roles gives it to a user, token create to a token\n");
        }
        Ok(Self(caller.name.clone()))
    }
}

/// Somebody who may act through the API; which role an act needs is the act's matter.
#[derive(Debug, Clone)]
pub(super) struct Actor(Caller);

impl Actor {
    /// The name for the ledger, if the role is enough.
    pub(super) fn with(self, role: Role) -> Result<String, Refusal> {
        if self.0.role >= role {
            return Ok(self.0.name);
        }
        let (name, has) = (&self.0.name, self.0.role.word());
        Err(Refusal::Forbidden(format!("this needs the role {}; {name} is {has}", role.word())))
    }
}

impl FromRequestParts<Arc<Inner>> for Actor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, inner: &Arc<Inner>) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Caller>().ok_or(Refusal::Internal)?.clone();
        if caller.is_anonymous {
            return Err(Refusal::Forbidden(
                "acts need a name: a token (nis2watch token create --role operator --name NAME, api.tokens), a user with a \
                 role (api.roles) or a client certificate with one; without any of them the API only shows"
                    .into(),
            ));
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Refusal::NotJson);
        }
        // a browser adds passwords and certificates by itself, also for a page of another site
        if is_foreign(&parts.headers) {
            return Err(Refusal::Forbidden("this request came from another site".into()));
        }
        inner.acts.take(&caller.name).map_err(|wait| Refusal::TooMany { wait: wait.as_secs() + 1 })?;
        Ok(Self(caller))
    }
}
