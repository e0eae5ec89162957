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
            Self::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// What a person reads.
    pub(in crate::api) fn message(&self) -> String {
        match self {
            Self::UnknownParameter(text) | Self::InvalidValue(text) | Self::NotFound(text) => text.clone(),
            Self::MethodNotAllowed => "this resource does not take this method; /api/v1/openapi.json says which".into(),
            Self::Unauthenticated(text) => (*text).into(),
            Self::NotReady => "no plant is loaded yet".into(),
            Self::Internal => "this could not be answered; the log says why".into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLong { .. } => Self::InvalidValue(error.to_string()),
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
        if let Self::Unauthenticated(_) = &self {
            let ask = HeaderValue::from_static("Basic realm=\"nis2watch\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
        }
        response
    }
}
