//! The library's errors in the house's words: who must do what.

use std::time::Duration;

use async_snmp::v3::ReportStatus;
use async_snmp::{Error, ErrorStatus, Oid};

use crate::transport::{Endpoint, TransportError};

/// What became of a request that brought nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The agent answered with an error status, perhaps about one object.
    Status(ErrorStatus, Option<Oid>),
    /// This answer is of no use; the next may be.
    Wrong(TransportError),
    /// Nothing more will come of this visit.
    Ended(TransportError),
}

/// Sorts an error of one request; `patience` is the time all its tries took.
pub(super) fn sort(endpoint: &Endpoint, patience: Duration, error: &Error) -> Failure {
    let endpoint = endpoint.clone();
    let wrong = |problem: &str| {
        Failure::Wrong(TransportError::Protocol { endpoint: endpoint.clone(), problem: problem.to_owned() })
    };
    match error.exchange_source() {
        Error::Timeout { .. } => Failure::Ended(TransportError::Timeout { endpoint, timeout: patience }),
        Error::Snmp { status, oid, .. } => Failure::Status(*status, oid.as_deref().cloned()),
        Error::Report { status, .. } => Failure::Ended(report(endpoint, status)),
        Error::Auth { .. } => Failure::Ended(TransportError::Auth {
            endpoint,
            problem: "its answer is not signed with our authentication password, or is a replay".into(),
        }),
        Error::Network { source, .. } => {
            let again = std::io::Error::new(source.kind(), source.to_string());
            Failure::Ended(TransportError::from_io(endpoint, patience, again))
        }
        Error::ResponseShape { .. } => wrong("the answer is about other objects than were asked"),
        Error::MalformedResponse { .. } | Error::Decode(_) => wrong("the answer is malformed"),
        Error::WalkAborted { .. } => wrong("the walk does not advance"),
        Error::OutboundMessageTooLarge { limit, .. } => {
            wrong(&format!("it accepts messages of {limit} bytes at most, too few for one object"))
        }
        other => Failure::Ended(TransportError::Internal { endpoint, problem: other.kind().to_string() }),
    }
}

fn report(endpoint: Endpoint, status: &ReportStatus) -> TransportError {
    let problem = match status {
        ReportStatus::WrongDigest { .. } => {
            "wrong digest: the authentication password or protocol does not fit this user"
        }
        ReportStatus::UnknownUserName { .. } => "unknown user: the agent has no such SNMPv3 user",
        ReportStatus::UnsupportedSecurityLevel { .. } => {
            "unsupported security level: this user may not use the configured authentication and privacy"
        }
        ReportStatus::NotInTimeWindow { .. } => {
            "not in time window: its clock does not follow its own answers; its boot counter may be lost at every start"
        }
        ReportStatus::DecryptionError { .. } => PRIVACY_WRONG,
        ReportStatus::UnknownEngineId { .. } => {
            let problem = "it does not know the engine identifier that it just gave us".into();
            return TransportError::Protocol { endpoint, problem };
        }
        other => {
            let problem: String = format!("report {other}").chars().take(120).collect();
            return TransportError::Protocol { endpoint, problem };
        }
    };
    TransportError::Auth { endpoint, problem: problem.into() }
}

/// Agents drop what they cannot decrypt; net-snmp does so in silence.
pub(super) const PRIVACY_WRONG: &str =
    "alive, but it cannot read our encrypted requests: privacy password or algorithm wrong";

/// An error status about one object, or about all.
pub(super) fn status(endpoint: &Endpoint, status: ErrorStatus, oid: Option<&Oid>) -> TransportError {
    let endpoint = endpoint.clone();
    let about = oid.map_or_else(|| "the request".to_owned(), ToString::to_string);
    if is_denied(status) {
        let problem = format!("{status} for {about}: add it to the view of this SNMP user or community");
        return TransportError::Privilege { endpoint, problem };
    }
    TransportError::Protocol { endpoint, problem: format!("error status {status} for {about}") }
}

pub(super) fn is_denied(status: ErrorStatus) -> bool {
    matches!(status, ErrorStatus::AuthorizationError | ErrorStatus::NoAccess)
}
