//! Opening, classifying, reporting and closing incidents.

use chrono::TimeDelta;

use super::{ClerkError, shown, stranger, wrong};
use crate::duties::deadlines::Stage;
use crate::duties::deed::{Classified, Closed, Deed, Reported};
use crate::duties::{Book, Incident, Significance};
use crate::model::{AssetId, EntryId, Time};

/// How far ahead of now a time may lie that is said to be past.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// An incident that somebody wants to open.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Unique, never reused.
    pub id: String,
    /// What happened, one line.
    pub title: String,
    /// When the plant became aware of it.
    pub aware_at: Time,
    /// Whether it is significant.
    pub significant: Significance,
    /// Assets that it concerns.
    pub affected: Vec<String>,
    /// Whether it is suspected to be unlawful or malicious.
    pub suspected_malicious: Option<bool>,
    /// Whether it could have an impact across borders.
    pub cross_border: Option<bool>,
    /// What happened, in words.
    pub description: Option<String>,
}

/// A report that went out.
#[derive(Debug, Clone)]
pub struct Reporting {
    /// Which report.
    pub stage: Stage,
    /// When it went out, or was asked for.
    pub at: Time,
    /// It did not go out: the authority asked for it.
    pub requested: bool,
    /// What the authority answered.
    pub receipt: Option<String>,
    /// Corrects a time that was noted before.
    pub correct: bool,
}

impl Opening {
    /// The incident.
    ///
    /// # Errors
    ///
    /// The id was used before, an asset is not there, or the time lies ahead.
    pub fn incident(self, book: &Book, now: Time) -> Result<Incident, ClerkError> {
        let id = EntryId::parse(&self.id).map_err(|error| wrong(&error))?;
        if book.incident(id.as_str()).is_some() {
            return Err(ClerkError::Before(format!("there is an incident {id} already; ids are never reused")));
        }
        happened(self.aware_at, None, now)?;
        let known = || book.plant().assets.iter().map(|asset| asset.id.as_str());
        if let Some(asset) = self.affected.iter().find(|asset| !known().any(|id| id == asset.as_str())) {
            return Err(stranger("asset", asset, known()));
        }
        let affected = self.affected.iter().map(|asset| AssetId::parse(asset));
        let incident = Incident {
            significant: self.significant,
            affected: affected.collect::<Result<_, _>>().map_err(|error| wrong(&error))?,
            suspected_malicious: self.suspected_malicious,
            cross_border: self.cross_border,
            description: self.description,
            ..Incident::new(id, self.title, self.aware_at)
        };
        match incident.mistakes().into_iter().next() {
            Some((key, message, _)) => Err(ClerkError::Wrong(format!("{key}: {message}"))),
            None => Ok(incident),
        }
    }
}

/// The deed that says whether an incident is significant, and since when the plant knows that.
///
/// # Errors
///
/// There is no such incident, or the time cannot be.
pub fn classify(
    id: &str,
    significant: Significance,
    since: Option<Time>,
    book: &Book,
    now: Time,
) -> Result<Deed, ClerkError> {
    let incident = find(book, id)?;
    if let Some(since) = since {
        happened(since, Some(incident.aware_at), now)?;
    }
    Ok(Deed::Classify(Classified { incident: incident.id.clone(), significant, significant_since: since }))
}

/// The deed that ends the handling of an incident.
///
/// # Errors
///
/// There is no such incident, the time cannot be, or the end was noted before and this is no correction.
pub fn close(id: &str, at: Time, correct: bool, book: &Book, now: Time) -> Result<Deed, ClerkError> {
    let incident = find(book, id)?;
    happened(at, Some(incident.aware_at), now)?;
    // another end moves the clock of the final report
    if let Some(before) = incident.closed_at.filter(|_| !correct) {
        return Err(noted_before(before));
    }
    Ok(Deed::Close(Closed { incident: incident.id.clone(), at }))
}

fn find<'b>(book: &'b Book, id: &str) -> Result<&'b Incident, ClerkError> {
    let known = || book.incidents().iter().map(|incident| incident.id.as_str());
    book.incident(id).ok_or_else(|| stranger("incident", id, known()))
}

impl Reporting {
    /// The deed.
    ///
    /// # Errors
    ///
    /// There is no such incident, the time cannot be, or it was noted before.
    pub fn deed(self, book: &Book, incident: &str, now: Time) -> Result<Deed, ClerkError> {
        let incident = find(book, incident)?;
        happened(self.at, Some(incident.aware_at), now)?;
        if self.requested && self.stage != Stage::IntermediateReport {
            return Err(ClerkError::Wrong("only an intermediate_report is sent on request".into()));
        }
        let before = if self.requested { incident.intermediate_requested_at } else { incident.sent(self.stage) };
        if let Some(before) = before.filter(|_| self.stage != Stage::ProgressReport && !self.correct) {
            return Err(noted_before(before));
        }
        Ok(Deed::Report(Reported {
            incident: incident.id.clone(),
            stage: self.stage,
            at: self.at,
            requested: self.requested,
            receipt: self.receipt,
        }))
    }
}

fn noted_before(at: Time) -> ClerkError {
    let at = shown(at);
    ClerkError::Before(format!(
        "this was noted for {at}; a correction must say that it is one, and both stay in the ledger"
    ))
}

/// Refuses what cannot have happened yet, or before the incident.
fn happened(at: Time, since: Option<Time>, now: Time) -> Result<(), ClerkError> {
    let shown_at = shown(at);
    if at > now + CLOCK_SKEW {
        return Err(ClerkError::Wrong(format!("{shown_at} lies ahead; an act notes what has happened")));
    }
    match since.filter(|since| at < *since) {
        Some(since) => {
            let since = shown(since);
            Err(ClerkError::Wrong(format!("{shown_at} lies before {since}, when the plant became aware")))
        }
        None => Ok(()),
    }
}
