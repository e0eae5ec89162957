//! Signing statements, and signing them anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{ClerkError, stranger, wrong};
use crate::catalog::Catalog;
use crate::duties::Book;
use crate::duties::attestation::{EvidenceFile, Outcome, Signer, Statement};
use crate::model::{AssetId, CheckId, EntryId, Time, Value};
use crate::store::Digest;

/// Validity where the controls name none, in days.
const YEAR: u32 = 365;

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

/// A statement that somebody wants to sign anew, because it has ended or soon will.
#[derive(Debug, Clone)]
pub struct Renewing {
    /// Which one.
    pub id: String,
    /// Who signs.
    pub signed_by: Signer,
    /// For how long it holds; as long as before, where nothing is said.
    pub valid_days: Option<u32>,
    /// Confirmed or rejected.
    pub result: Outcome,
    /// Files that show it now.
    pub evidence: Vec<EvidenceFile>,
    /// Fields that are other than before.
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
        if !book.knows(&subject) {
            let what = subject.as_str().split_once(':').map_or("asset", |(kind, _)| kind);
            return Err(stranger(what, subject.as_str(), book.subjects().map(AssetId::as_str)));
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
        sound(statement, now)
    }
}

impl Renewing {
    /// The new statement.
    ///
    /// # Errors
    ///
    /// There is no such statement, or it rests on evidence and nothing shows it now.
    pub fn deed(self, book: &Book, now: Time) -> Result<Statement, ClerkError> {
        let known = || book.statements().map(|statement| statement.id.as_str());
        let before = book.statements().find(|statement| statement.id.as_str() == self.id);
        let before = before.ok_or_else(|| stranger("statement", &self.id, known()))?;
        if self.evidence.is_empty() && !before.evidence.is_empty() {
            let message = "the statement rests on evidence: say what it rests on now (evidence)";
            return Err(ClerkError::Wrong(message.into()));
        }
        let mut fields = before.fields.clone();
        fields.extend(self.fields);
        let statement = Statement {
            id: EntryId::parse("new").map_err(|error| wrong(&error))?,
            signed_by: self.signed_by,
            signed_at: now,
            valid_days: self.valid_days.unwrap_or(before.valid_days),
            result: self.result,
            evidence: self.evidence,
            fields,
            renews: Some(before.id.clone()),
            declared: "the ledger".into(),
            ..before.clone()
        };
        sound(statement, now)
    }
}

fn sound(statement: Statement, now: Time) -> Result<Statement, ClerkError> {
    match statement.mistakes().into_iter().next() {
        Some((key, message, _)) => Err(ClerkError::Wrong(format!("{key}: {message}"))),
        None => numbered(statement, now),
    }
}

/// Gives a statement its own id, which is made of what it says.
fn numbered(mut statement: Statement, now: Time) -> Result<Statement, ClerkError> {
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
