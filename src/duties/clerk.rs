//! The clerk: looks whether what a person wants noted makes sense, and writes the deed. Commands and the API share it.

mod incidents;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::SecondsFormat;
use sha2::{Digest as _, Sha256};

use super::attestation::{EvidenceFile, Outcome, Signer, Statement};
use super::book::Book;
use super::deed::{Deed, Revoked};
use super::subjects::ORG;
use super::waiver::Waiver;
use crate::catalog::Catalog;
use crate::model::{AssetId, CheckId, EntryId, Time, Value, ZoneId, did_you_mean};
use crate::store::Digest;

pub use incidents::{Opening, Reporting, classify, close};

/// Validity where the controls name none, in days.
const YEAR: u32 = 365;

/// Why the clerk writes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClerkError {
    /// A name that does not exist.
    #[error("{0}")]
    Stranger(String),
    /// What is said cannot be so.
    #[error("{0}")]
    Wrong(String),
    /// It was noted before.
    #[error("{0}")]
    Before(String),
}

/// A statement that somebody wants to sign.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The check that reads it.
    pub check: String,
    /// What it is about.
    pub subject: String,
    /// What is stated.
    pub statement: String,
    /// Who signs.
    pub signed_by: Signer,
    /// For how long it holds; as the controls have it, where nothing is said.
    pub valid_days: Option<u32>,
    /// Confirmed or rejected.
    pub result: Outcome,
    /// Who sees to the renewal.
    pub owner: Option<String>,
    /// Files that show it.
    pub evidence: Vec<EvidenceFile>,
    /// What else the check reads.
    pub fields: BTreeMap<Arc<str>, Value>,
}

impl Signing {
    /// The statement, with an id that is made of what it says.
    ///
    /// # Errors
    ///
    /// The check reads no signature, or the subject is not there.
    pub fn deed(self, book: &Book, catalog: &Catalog, now: Time) -> Result<Statement, ClerkError> {
        let attested = catalog.checks.values().filter(|check| catalog.is_attested(check));
        let attested: Vec<&str> = attested.map(|check| check.id.as_str()).collect();
        if !attested.contains(&self.check.as_str()) {
            return Err(stranger("check that reads signed statements named", &self.check, attested));
        }
        let check = CheckId::parse(&self.check).map_err(|error| wrong(&error))?;
        let subject = AssetId::parse(&self.subject).map_err(|error| wrong(&error))?;
        let assets = || book.plant().assets.iter().map(|asset| asset.id.as_str());
        // what stands for no asset has a kind before its colon
        let is_free = subject.as_str() == ORG || subject.as_str().contains(':');
        if !is_free && !assets().any(|asset| asset == subject.as_str()) {
            return Err(stranger("asset", subject.as_str(), assets()));
        }
        let statement = Statement {
            id: EntryId::parse("new").map_err(|error| wrong(&error))?,
            subject,
            statement: self.statement,
            signed_by: self.signed_by,
            signed_at: now,
            valid_days: self.valid_days.unwrap_or_else(|| usual_validity(catalog, &check)),
            result: self.result,
            owner: self.owner.as_deref().map(Arc::from),
            evidence: self.evidence,
            fields: self.fields,
            renews: None,
            declared: "the ledger".into(),
            check,
        };
        if let Some((key, message, _)) = statement.mistakes().into_iter().next() {
            return Err(ClerkError::Wrong(format!("{key}: {message}")));
        }
        numbered(statement, now)
    }
}

/// Gives a statement its own id, which is made of what it says.
///
/// # Errors
///
/// Never, as long as the statement can be written as JSON.
pub fn numbered(mut statement: Statement, now: Time) -> Result<Statement, ClerkError> {
    let text = serde_json::to_string(&statement).map_err(|error| wrong(&error))?;
    let digest = Digest(Sha256::digest(text.as_bytes()).into()).to_string();
    let id = format!("att-{}-{}", now.format("%Y%m%d"), &digest[..8]);
    statement.id = EntryId::parse(&id).map_err(|error| wrong(&error))?;
    Ok(statement)
}

/// The shortest validity that a control gives the check.
fn usual_validity(catalog: &Catalog, check: &CheckId) -> u32 {
    let attested = catalog.controls.list.values().flat_map(|control| &control.evidence.attested);
    attested.filter(|attested| attested.check == *check).map(|attested| attested.valid_days).min().unwrap_or(YEAR)
}

/// The deed that accepts fails.
///
/// # Errors
///
/// The id was used before, a check, a zone or an asset is not there, or the waiver is wrong in itself.
pub fn waive(waiver: Waiver, book: &Book, catalog: &Catalog, now: Time) -> Result<Deed, ClerkError> {
    if book.waivers().iter().any(|known| known.id == waiver.id) {
        let message = format!("there is a waiver {} already; ids are never reused", waiver.id);
        return Err(ClerkError::Before(message));
    }
    if let Some((key, message, _)) = waiver.mistakes().into_iter().next() {
        return Err(ClerkError::Wrong(format!("{key}: {message}")));
    }
    if waiver.expires_at <= now {
        return Err(ClerkError::Wrong("expires_at: it has ended before it is written".into()));
    }
    let named = waiver.checks().iter().chain(waiver.compensating.iter().map(|one| &one.check));
    for check in named {
        if !catalog.checks.contains_key(check) {
            return Err(stranger("check", check.as_str(), catalog.checks.keys().map(CheckId::as_str)));
        }
    }
    let (assets, zones) = (&book.plant().assets, &book.plant().roles);
    if let Some(zone) = waiver.zones().iter().find(|zone| !zones.contains_key(*zone)) {
        return Err(stranger("zone", zone.as_str(), zones.keys().map(ZoneId::as_str)));
    }
    let ids = || assets.iter().map(|asset| asset.id.as_str());
    let others = waiver.compensating.iter().filter_map(|one| one.asset.as_ref());
    if let Some(other) = others.into_iter().find(|other| !ids().any(|id| id == other.as_str())) {
        return Err(stranger("asset", other.as_str(), ids()));
    }
    if !assets.iter().any(|asset| waiver.checks().iter().any(|check| waiver.means(asset, check))) {
        return Err(ClerkError::Wrong("match: it means no asset that is watched".into()));
    }
    Ok(Deed::Waive(Box::new(waiver)))
}

/// The deed that ends a waiver now.
///
/// # Errors
///
/// There is no such waiver, or it has ended.
pub fn revoke(id: &str, book: &Book, now: Time) -> Result<Deed, ClerkError> {
    let known = || book.waivers().iter().map(|waiver| waiver.id.as_str());
    let waiver = book.waivers().iter().find(|waiver| waiver.id.as_str() == id);
    let waiver = waiver.ok_or_else(|| stranger("waiver", id, known()))?;
    if waiver.expires_at <= now {
        return Err(ClerkError::Before(format!("{id} ended {}", shown(waiver.expires_at))));
    }
    Ok(Deed::Revoke(Revoked { waiver: waiver.id.clone(), at: now }))
}

fn shown(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn wrong(error: &dyn std::fmt::Display) -> ClerkError {
    ClerkError::Wrong(error.to_string())
}

fn stranger<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> ClerkError {
    let hint = did_you_mean(name, known).map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    ClerkError::Stranger(format!("there is no {what} {name:?}{hint}"))
}
