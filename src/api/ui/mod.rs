//! The pages: what the API knows, for a person at a desk, at a phone, or before the wall of a control room.
//!
//! They are made on the server and read without a script. A small script of our own brings changes to a page that stays open
//! and sends acts to the API; nothing is ever loaded from elsewhere.

mod asset;
mod assets;
mod attestations;
mod baselines;
mod calendar;
mod check;
mod controls;
mod feeds;
mod forms;
mod incidents;
mod ledger;
mod overview;
mod pair;
mod parts;
mod results;
mod runbooks;
mod segmentation;
mod shell;
mod strip;
mod waivers;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::router::{Inner, Shared};
use super::v1::Refusal;

pub(super) use overview::Summary;
pub(super) use shell::Sorry;

/// The style sheet of the pages.
const STYLE: &str = include_str!("style.css");
/// What brings changes to an open page.
const LIVE: &str = include_str!("live.js");

/// A page, or why there is none.
type Answer = Result<maud::Markup, Sorry>;

/// The routes of the pages.
pub(super) fn router() -> Router<Arc<Inner>> {
    Router::new()
        .route("/", get(overview::page))
        .route("/assets", get(assets::page))
        .route("/assets/{asset}", get(asset::page))
        .route("/assets/{asset}/{check}", get(pair::page))
        .route("/checks", get(check::list))
        .route("/checks/{check}", get(check::page))
        .route("/results", get(results::page))
        .route("/controls", get(controls::page))
        .route("/segmentation", get(segmentation::page))
        .route("/baselines", get(baselines::page))
        .route("/waivers", get(waivers::page))
        .route("/attestations", get(attestations::page))
        .route("/feeds", get(feeds::page))
        .route("/calendar", get(calendar::page))
        .route("/runbooks", get(runbooks::list))
        .route("/runbooks/{name}", get(runbooks::page))
        .route("/incidents", get(incidents::page))
        .route("/ledger", get(ledger::page))
        .route("/style.css", get(|| async { fixed("text/css; charset=utf-8", STYLE) }))
        .route("/live.js", get(|| async { fixed("text/javascript; charset=utf-8", LIVE) }))
}

fn fixed(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")], text).into_response()
}

/// Gives a refused page what every page has: the way to the others.
pub(super) async fn dress(State(inner): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(refusal) = response.extensions().get::<Refusal>() else { return response };
    let page = shell::sorry(&inner, refusal).into_string();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(parts, page.into())
}

impl From<Refusal> for Sorry {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}
