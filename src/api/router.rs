//! The routes, and who may use them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::stream;

use super::admit::Admitted;
use super::caller::{Keys, authenticate};
use super::host::HostName;
use super::intake::{not_so, nothing, take_in};
use super::throttle::Throttle;
use super::{Access, Board, Operator, Users, WebConfig, ui, v1};
use crate::output::{Exposition, accepts_gzip, negotiate};
use crate::store::Store;

/// What stands before every route of the API.
const API: &str = "/api/v1";

/// Logins that may fail at once from one address, and how long each is remembered.
const FAILURES: u32 = 10;
const FORGIVEN: Duration = Duration::from_secs(6);
/// Acts of one person at once, and how soon there may be another.
const ACTS: u32 = 30;
const ACT_EVERY: Duration = Duration::from_secs(2);

/// Headers that every answer carries unless the web configuration file says otherwise: the page loads nothing from
/// elsewhere, is framed by nobody and sends its address nowhere.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Who may come in; replaced by a reload.
#[derive(Clone, Default)]
pub struct Door {
    pub(super) users: Users,
    pub(super) keys: Keys,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether everybody who reaches the listener has shown a certificate.
    pub(super) certified: bool,
    /// Whether the listener has no certificate of its own.
    pub(super) is_plain: bool,
    /// Names of this host beside those of loopback.
    pub(super) hosts: Vec<HostName>,
}

impl Door {
    /// The door that a web configuration describes, with roles and tokens beside it.
    #[must_use]
    pub fn new(config: &WebConfig, access: &Access) -> Self {
        let own = HEADERS.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let theirs = config.http_server_config.headers.iter();
        let all: BTreeMap<_, _> =
            own.chain(theirs.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))).collect();
        let headers = all.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect();
        Self {
            users: Users::new(config.basic_auth_users.clone()),
            keys: Keys::new(access),
            headers,
            certified: config.asks_for_certificates(),
            is_plain: config.tls_server_config.is_none(),
            hosts: access.hosts.clone(),
        }
    }

    /// The same door after a reload: whoever proved a password that still holds need not prove it again.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self { users: self.users.remembering(&before.users), ..self }
    }
}

/// What the routes need.
pub struct Desk {
    /// The daemon.
    pub operator: Arc<dyn Operator>,
    /// What `/metrics` shows.
    pub exposition: Exposition,
    /// How every pair stands.
    pub board: Board,
    /// What was seen.
    pub store: Arc<dyn Store>,
    /// Who may come in.
    pub door: Arc<ArcSwap<Door>>,
    /// Where the listener stands.
    pub listens_at: IpAddr,
}

/// What all requests share.
pub(super) struct Inner {
    pub(super) desk: Desk,
    /// Logins that failed or are being tried, by address.
    pub(super) failures: Throttle<IpAddr>,
    /// Acts, by who did them.
    pub(super) acts: Throttle<String>,
    /// How the plant stands, shared by all who look.
    pub(super) summary: tokio::sync::Mutex<Option<Arc<ui::Summary>>>,
}

pub(super) type Shared = State<Arc<Inner>>;

/// Builds the router.
pub fn router(desk: Desk) -> Router {
    let inner = Arc::new(Inner {
        desk,
        failures: Throttle::new(FAILURES, FORGIVEN),
        acts: Throttle::new(ACTS, ACT_EVERY),
        summary: tokio::sync::Mutex::new(None),
    });
    let guarded = Router::new()
        .merge(ui::router())
        .route("/metrics", get(metrics))
        .route("/-/reload", post(reload))
        .route("/-/stop-traffic", post(stop_traffic))
        .route("/-/resume-traffic", post(resume_traffic))
        .nest(API, v1::router())
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn(take_in))
        .layer(middleware::from_fn_with_state(Arc::clone(&inner), ui::dress))
        .layer(middleware::from_fn_with_state(Arc::clone(&inner), authenticate));
    Router::new()
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .method_not_allowed_fallback(not_so)
        .merge(guarded)
        .layer(middleware::from_fn_with_state(Arc::clone(&inner), add_headers))
        .with_state(inner)
}

async fn add_headers(State(inner): Shared, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in &inner.desk.door.load().headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    response
}

async fn healthy(State(inner): Shared) -> Response {
    if inner.desk.operator.is_healthy() {
        return "nis2watch is healthy\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the loop that visits stands still\n").into_response()
}

async fn ready(State(inner): Shared) -> Response {
    if inner.desk.operator.is_ready() {
        return "nis2watch is ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "no plant is watched yet, or the daemon is stopping\n").into_response()
}

async fn metrics(State(inner): Shared, headers: HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let format = negotiate(text(header::ACCEPT));
    let gzip = accepts_gzip(text(header::ACCEPT_ENCODING));
    let exposition = inner.desk.exposition.clone();
    let Ok(body) = tokio::task::spawn_blocking(move || exposition.body(format, gzip)).await else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written; the log says why\n")
            .into_response();
    };
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, format.content_type())
        .header(header::CONTENT_LENGTH, body.length())
        .header(header::VARY, "Accept, Accept-Encoding");
    if body.gzip {
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    let chunks = stream::iter(body.chunks.into_iter().map(Ok::<_, std::convert::Infallible>));
    response.body(Body::from_stream(chunks)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn reload(State(inner): Shared, Admitted(actor): Admitted) -> Response {
    tracing::info!(actor, "reload was asked for");
    match inner.desk.operator.reload().await {
        Ok(()) => "the configuration was loaded\n".into_response(),
        Err(mistakes) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the old configuration stays\n\n{mistakes}\n")).into_response()
        }
    }
}

async fn stop_traffic(State(inner): Shared, actor: Admitted) -> Response {
    set_traffic(&inner, actor, false).await
}

async fn resume_traffic(State(inner): Shared, actor: Admitted) -> Response {
    set_traffic(&inner, actor, true).await
}

async fn set_traffic(inner: &Inner, Admitted(actor): Admitted, allowed: bool) -> Response {
    match inner.desk.operator.set_traffic(allowed, &actor).await {
        Ok(()) if allowed => "traffic flows again\n".into_response(),
        Ok(()) => "no packet is sent any more, until POST /-/resume-traffic\n".into_response(),
        Err(problem) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{problem}\n")).into_response(),
    }
}
