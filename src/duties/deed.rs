//! What a person does at the command line, as it goes into the ledger and comes out of it.
//!
//! A deed is never changed or taken back; a later one corrects it, and both stay.

use serde::{Deserialize, Serialize};

use super::attestation::Statement;
use super::deadlines::Stage;
use super::incident::{Incident, Significance};
use super::waiver::Waiver;
use crate::model::{EntryId, Time};
use crate::store::{self, ActRecord};

/// Something a person did.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Signed a statement.
    Sign(Box<Statement>),
    /// Opened an incident.
    Open(Box<Incident>),
    /// Decided whether an incident is significant.
    Classify(Classified),
    /// Noted that a report went out.
    Report(Reported),
    /// Noted the end of the handling.
    Close(Closed),
    /// Accepted fails.
    Waive(Box<Waiver>),
    /// Ended a waiver before its time.
    Revoke(Revoked),
}

/// A decision about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    /// The incident.
    pub incident: EntryId,
    /// What was decided.
    pub significant: Significance,
    /// When the plant became aware that it is significant, where that was later than it became aware of the incident.
    #[serde(default)]
    pub significant_since: Option<Time>,
}

/// A report that went out, by a person's own hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The incident.
    pub incident: EntryId,
    /// Which report.
    pub stage: Stage,
    /// When it went out; for a request of the authority, when that came.
    pub at: Time,
    /// Whether it is only the request for an intermediate report.
    #[serde(default)]
    pub requested: bool,
    /// What the authority answered.
    #[serde(default)]
    pub receipt: Option<String>,
}

/// The end of the handling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The incident.
    pub incident: EntryId,
    /// When.
    pub at: Time,
}

/// The early end of a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// The waiver.
    pub waiver: EntryId,
    /// When.
    pub at: Time,
}

/// A record that says it is a deed and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("record {seq} of the ledger cannot be read as {kind}: {source}")]
pub struct DeedError {
    seq: u64,
    kind: String,
    #[source]
    source: serde_json::Error,
}

const SIGN: &str = "attest.sign";
const OPEN: &str = "incident.open";
const CLASSIFY: &str = "incident.classify";
const REPORT: &str = "incident.report";
const CLOSE: &str = "incident.close";
const WAIVE: &str = "waiver.add";
const REVOKE: &str = "waiver.revoke";

impl Deed {
    /// The record for the ledger.
    #[must_use]
    pub fn act(&self, actor: &str, reason: &str, at: Time) -> store::Act {
        let (kind, subject, body) = match self {
            Self::Sign(statement) => (SIGN, statement.subject.to_string(), json(statement)),
            Self::Open(incident) => (OPEN, incident.id.to_string(), json(incident)),
            Self::Classify(deed) => (CLASSIFY, deed.incident.to_string(), json(deed)),
            Self::Report(deed) => (REPORT, deed.incident.to_string(), json(deed)),
            Self::Close(deed) => (CLOSE, deed.incident.to_string(), json(deed)),
            Self::Waive(waiver) => (WAIVE, waiver.id.to_string(), json(waiver)),
            Self::Revoke(deed) => (REVOKE, deed.waiver.to_string(), json(deed)),
        };
        store::Act { kind: kind.to_owned(), subject, actor: actor.to_owned(), reason: reason.to_owned(), body, at }
    }

    /// Reads a record; `None` for acts that belong to others.
    ///
    /// # Errors
    ///
    /// It is one of ours and cannot be read, which only a newer program or a changed file explains.
    pub fn read(record: &ActRecord) -> Result<Option<Self>, DeedError> {
        let body = &record.act.body;
        let read = match record.act.kind.as_str() {
            SIGN => serde_json::from_str(body).map(|statement| {
                Self::Sign(Box::new(Statement {
                    declared: format!("ledger record {}", record.seq).into(),
                    ..statement
                }))
            }),
            OPEN => serde_json::from_str(body).map(|incident| {
                Self::Open(Box::new(Incident { declared: format!("ledger record {}", record.seq).into(), ..incident }))
            }),
            CLASSIFY => serde_json::from_str(body).map(Self::Classify),
            REPORT => serde_json::from_str(body).map(Self::Report),
            CLOSE => serde_json::from_str(body).map(Self::Close),
            WAIVE => serde_json::from_str(body).map(|waiver| {
                Self::Waive(Box::new(Waiver { declared: format!("ledger record {}", record.seq).into(), ..waiver }))
            }),
            REVOKE => serde_json::from_str(body).map(Self::Revoke),
            _ => return Ok(None),
        };
        read.map(Some).map_err(|source| DeedError { seq: record.seq, kind: record.act.kind.clone(), source })
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("text keys and values of our own make are JSON")
}
