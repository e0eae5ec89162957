//! The clerk: looks whether what a person wants noted makes sense, and writes the deed. Commands and the API share it.

mod incidents;
mod statements;

use chrono::SecondsFormat;

use super::book::Book;
use super::deed::{Deed, Revoked};
use super::waiver::Waiver;
use crate::catalog::Catalog;
use crate::model::{CheckId, Time, ZoneId, did_you_mean};

pub use incidents::{Opening, Reporting, classify, close};
pub use statements::{Renewing, Signing};

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

/// The deed that ends a waiver now, or settles one whose time is over.
///
/// # Errors
///
/// There is no such waiver, or somebody has ended it before.
pub fn revoke(id: &str, book: &Book, now: Time) -> Result<Deed, ClerkError> {
    let known = || book.waivers().iter().map(|waiver| waiver.id.as_str());
    let waiver = book.waivers().iter().find(|waiver| waiver.id.as_str() == id);
    let waiver = waiver.ok_or_else(|| stranger("waiver", id, known()))?;
    if let Some(end) = &waiver.revocation {
        return Err(ClerkError::Before(format!("{} ended {id} {}", end.by, shown(end.at))));
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
