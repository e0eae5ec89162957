//! Why a request was not answered: a code that stays the same, and a message for a person.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::store::StoreError;

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) enum Refusal {
    /// A parameter that the resource does not have, or has once.
    UnknownParameter(String),
    /// A value that means nothing here.
    InvalidValue(String),
    /// There is no such thing.
    NotFound(String),
    /// The resource does not do this.
    MethodNotAllowed,
    /// Nobody has said who asks.
    Unauthenticated(&'static str),
    /// Whoever asks may not.
    Forbidden(String),
    /// An act that does not fit what is there.
    Conflict(String),
    /// The body is no JSON, or says so of itself.
    NotJson,
    /// The body is longer than any act.
    TooLarge {
        /// Bytes that are taken.
        longest: usize,
    },
    /// The body did not come in time.
    TooSlow,
    /// It was sent to a name that is none of this host's.
    WrongHost(String),
    /// Too often.
    TooMany {
        /// Seconds until it may be tried again.
        wait: u64,
    },
    /// No plant is loaded.
    NotReady,
    /// A defect of ours, or a store that cannot be read; the log says more.
    Internal,
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnknownParameter(_) => (StatusCode::BAD_REQUEST, "unknown_parameter"),
            Self::InvalidValue(_) => (StatusCode::BAD_REQUEST, "invalid_value"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
            Self::WrongHost(_) => (StatusCode::MISDIRECTED_REQUEST, "wrong_host"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// The status of the answer.
    pub(in crate::api) fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// What a person reads.
    pub(in crate::api) fn message(&self) -> String {
        match self {
            Self::UnknownParameter(text)
            | Self::InvalidValue(text)
            | Self::NotFound(text)
            | Self::Forbidden(text)
            | Self::Conflict(text) => text.clone(),
            Self::MethodNotAllowed => {
                "this is not done with this method; the header Allow names those that are, /api/v1/openapi.json says more".into()
            }
            Self::Unauthenticated(text) => (*text).into(),
            Self::NotJson => "an act is a JSON object with content-type: application/json".into(),
            Self::TooLarge { longest } => format!("the body is too long: {longest} bytes are taken"),
            Self::TooSlow => "the body did not come in time".into(),
            Self::WrongHost(name) => format!(
                "{name:?} is no name of this host: without a login, requests are taken at localhost and the addresses of loopback; \
                 name it in api.hosts, or come with a user (api.web_config) or a token (api.tokens)"
            ),
            Self::TooMany { wait } => format!("too many requests of this kind; try again in {wait} seconds"),
            Self::NotReady => "no plant is loaded yet".into(),
            Self::Internal => "this could not be answered; the log says why".into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLong { .. } => Self::InvalidValue(error.to_string()),
            StoreError::Moved { .. } => Self::Conflict(error.to_string()),
            error => {
                tracing::error!(%error, "the store did not answer the api");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.parts();
        let mut response = (status, Json(json!({"error": {"code": code, "message": self.message()}}))).into_response();
        match &self {
            Self::Unauthenticated(_) => {
                let ask = HeaderValue::from_static("Basic realm=\"nis2watch\", charset=\"UTF-8\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooMany { wait } => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*wait));
            }
            _ => {}
        }
        response
    }
}
