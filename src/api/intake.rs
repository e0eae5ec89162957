//! What comes before a route: the path is text, and the body is there, bounded in length and in time. And how a refusal looks
//! where no route gives one.

use std::error::Error;

use axum::body::{self, Body};
use axum::extract::Request;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use hyper::body::Body as _;
use percent_encoding::percent_decode_str;

use super::guests::{Patience, Seat};
use super::ui::Sorry;
use super::v1::Refusal;

/// Longest body of an act.
const LONGEST_BODY: usize = 64 * 1024;

/// Whether a path belongs to the API, in whatever version.
pub(super) fn is_api(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A refusal as whoever asks for this path reads it: JSON from the API, a page from the pages, text from the rest.
pub(super) fn refused(path: &str, refusal: Refusal) -> Response {
    if is_api(path) {
        refusal.into_response()
    } else if path.starts_with("/-/") || path == "/metrics" {
        plain(refusal)
    } else {
        Sorry(refusal).into_response()
    }
}

/// A refusal for whoever wants no JSON.
pub(super) fn plain(refusal: Refusal) -> Response {
    let text = format!("{}\n", refusal.message());
    let (mut parts, _) = refusal.into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Response::from_parts(parts, text.into())
}

/// Says that there is nothing.
pub(super) async fn nothing(uri: Uri) -> Response {
    let what = if is_api(uri.path()) { "/api/v1/openapi.json says" } else { "/ shows" };
    refused(uri.path(), Refusal::NotFound(format!("there is nothing here; {what} what there is")))
}

/// Says that it is not done this way.
pub(super) async fn not_so(uri: Uri) -> Response {
    refused(uri.path(), Refusal::MethodNotAllowed)
}

/// Takes in the whole request before a route sees it. From then on the client is not who is waited for.
pub(super) async fn take_in(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if percent_decode_str(&path).decode_utf8().is_err() {
        let message = "the path: what its % escapes stand for is no text in UTF-8";
        return refused(&path, Refusal::InvalidValue(message.into()));
    }
    let seat = request.extensions().get::<Seat>().cloned();
    let request = match with_body(request, seat.as_ref()).await {
        Ok(request) => request,
        Err(refusal) => return refused(&path, refusal),
    };
    let _served = seat.as_ref().map(Seat::serve);
    next.run(request).await
}

async fn with_body(request: Request, seat: Option<&Seat>) -> Result<Request, Refusal> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let patience = seat.map_or_else(|| Patience::default().body, |seat| seat.patience().body);
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(patience, body::to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(error)) if error.source().is_some_and(<dyn Error + 'static>::is::<LengthLimitError>) => {
            Err(Refusal::TooLarge { longest: LONGEST_BODY })
        }
        Ok(Err(_)) => Err(Refusal::InvalidValue("the body broke off, or its chunks are none".into())),
        Err(_) => Err(Refusal::TooSlow),
    }
}
