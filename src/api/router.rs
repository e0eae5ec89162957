//! The routes, and who may use them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::stream;

use super::overview::{self, Overview};
use super::{Board, Operator, Users, WebConfig, v1};
use crate::output::{Exposition, accepts_gzip, negotiate};
use crate::store::Store;

/// The style sheet of the page.
const STYLE: &str = include_str!("style.css");

/// What stands before every route of the API.
const API: &str = "/api/v1";

/// Headers that every answer carries unless the web configuration file says otherwise: the page loads nothing from
/// elsewhere, is framed by nobody and sends its address nowhere.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Who may come in; replaced by a reload.
#[derive(Clone, Default)]
pub struct Door {
    users: Users,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether everybody who reaches the listener has shown a certificate.
    certified: bool,
}

impl Door {
    /// The door that a web configuration describes.
    #[must_use]
    pub fn new(config: &WebConfig) -> Self {
        let own = HEADERS.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let theirs = config.http_server_config.headers.iter();
        let all: BTreeMap<_, _> =
            own.chain(theirs.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))).collect();
        let headers = all.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect();
        Self { users: Users::new(config.basic_auth_users.clone()), headers, certified: config.asks_for_certificates() }
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
    overview: tokio::sync::Mutex<Option<Arc<Overview>>>,
}

pub(super) type Shared = State<Arc<Inner>>;

/// Builds the router.
pub fn router(desk: Desk) -> Router {
    let inner = Arc::new(Inner { desk, overview: tokio::sync::Mutex::new(None) });
    let guarded = Router::new()
        .route("/", get(page))
        .route("/style.css", get(style))
        .route("/metrics", get(metrics))
        .route("/-/reload", post(reload))
        .route("/-/stop-traffic", post(stop_traffic))
        .route("/-/resume-traffic", post(resume_traffic))
        .nest(API, v1::router())
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here; / shows what there is\n") })
        .layer(middleware::from_fn_with_state(Arc::clone(&inner), authenticate));
    Router::new()
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .merge(guarded)
        .layer(middleware::from_fn_with_state(Arc::clone(&inner), add_headers))
        .with_state(inner)
}

/// The user of a request, for the log.
#[derive(Debug, Clone)]
struct User(String);

async fn authenticate(State(inner): Shared, mut request: Request, next: Next) -> Response {
    let door = inner.desk.door.load_full();
    if !door.users.is_empty() {
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.map(str::to_owned);
        let Some(user) = door.users.authenticate(shown.as_deref()).await else {
            if request.uri().path().starts_with(API) {
                return v1::Refusal::Unauthenticated("a user name and a password are needed").into_response();
            }
            let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"nis2watch\", charset=\"UTF-8\"")];
            return (StatusCode::UNAUTHORIZED, ask, "a user name and a password are needed\n").into_response();
        };
        request.extensions_mut().insert(User(user));
    }
    let is_api = request.uri().path().starts_with(API);
    let mut response = next.run(request).await;
    if is_api {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
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

async fn page(State(inner): Shared) -> Response {
    let Some(view) = inner.desk.operator.view() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "no plant is loaded yet\n").into_response();
    };
    // one reader builds the overview, the others wait for it and share it
    let mut kept = inner.overview.lock().await;
    if !kept.as_ref().is_some_and(|overview| overview.is_fresh(&view)) {
        match Overview::read(&view, &*inner.desk.store).await {
            Ok(overview) => *kept = Some(Arc::new(overview)),
            Err(error) => {
                tracing::error!(%error, "cannot read the store for the page");
                return (StatusCode::INTERNAL_SERVER_ERROR, "the store cannot be read; the log says why\n")
                    .into_response();
            }
        }
    }
    let overview = kept.clone();
    drop(kept);
    let Some(overview) = overview else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let page = overview::page(&view, &overview, inner.desk.operator.traffic_allowed());
    ([(header::CACHE_CONTROL, "no-store")], page).into_response()
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")], STYLE)
        .into_response()
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

/// Who acts. Refused are a stranger beyond loopback, and a page of another site in the browser of somebody who may.
struct Admitted(String);

impl FromRequestParts<Arc<Inner>> for Admitted {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, inner: &Arc<Inner>) -> Result<Self, Self::Rejection> {
        let refuse = |why| Err((StatusCode::FORBIDDEN, why));
        let door = inner.desk.door.load();
        let open = door.users.is_empty() && !door.certified;
        if open && !inner.desk.listens_at.is_loopback() {
            return refuse(
                "acts need basic_auth_users or client certificates in the web configuration file, because the \
                 listener is not on loopback\n",
            );
        }
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return refuse("this request came from another site\n");
        }
        let host = text("host").unwrap_or_default();
        if let Some(origin) = text("origin")
            && origin.split_once("://").map(|(_, authority)| authority) != Some(host)
        {
            return refuse("this request came from another site\n");
        }
        // a name that was bent to point to loopback is "the same site" to a browser
        if open && !is_loopback_name(host) {
            return refuse("without users, acts are only taken at an address of loopback or localhost\n");
        }
        Ok(Self(parts.extensions.get::<User>().map_or_else(|| "anonymous".to_owned(), |user| user.0.clone())))
    }
}

fn is_loopback_name(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let name = bracketed.map_or_else(|| host.split(':').next().unwrap_or_default(), |(address, _)| address);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
