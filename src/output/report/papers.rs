//! What people accepted, signed and owe, as it stood at the end of the period.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pairs::{How, Row};
use super::read::said;
use crate::duties::{Book, Cleared, EvidenceFile, Incident, Signer, Significance, Statement, Waiver};
use crate::model::{AssetId, Cause, CheckId, EntryId, Time, Verdict};

/// Longest text of a person, in characters.
const LONGEST: usize = 400;

/// The registers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Papers {
    /// Accepted fails.
    pub waivers: Vec<WaiverRow>,
    /// The statements that count, one a check and subject.
    pub attestations: Vec<StatementRow>,
    /// Checks that read a signature, of which there is none.
    pub unsigned: Vec<CheckId>,
    /// Incidents.
    pub incidents: Vec<IncidentRow>,
    /// Whether anybody keeps a register of incidents; without one nobody can say that there are none.
    pub incidents_kept: bool,
}

/// One waiver.
#[derive(Debug, Clone, Serialize)]
pub struct WaiverRow {
    /// Its id.
    pub id: EntryId,
    /// `running`, `not begun`, `expired` or `revoked`.
    pub state: &'static str,
    /// Which checks it means.
    pub checks: Vec<CheckId>,
    /// Why.
    pub reason: String,
    /// Who sees to it that the finding is mended.
    pub owner: Option<String>,
    /// Who accepted the risk.
    pub approved_by: Signer,
    /// From when.
    pub starts_at: Time,
    /// Until when.
    pub expires_at: Time,
    /// Days from the end of the period until then; negative when it is over.
    pub days_left: i64,
    /// What is done instead.
    pub measure: Option<String>,
    /// Pairs that are waived by it.
    pub accepts: usize,
    /// Pairs that it would waive if what was to make up for them were green.
    pub suspended: usize,
}

/// One signature.
#[derive(Debug, Clone, Serialize)]
pub struct StatementRow {
    /// Its id.
    pub id: EntryId,
    /// The check that reads it.
    pub check: CheckId,
    /// What it is about.
    pub subject: AssetId,
    /// `valid`, `expired`, `rejected`.
    pub state: &'static str,
    /// What is stated.
    pub statement: String,
    /// Who signed.
    pub signed_by: Signer,
    /// When.
    pub signed_at: Time,
    /// Until when it holds.
    pub valid_until: Time,
    /// Days from the end of the period until then; negative when it is over.
    pub days_left: i64,
    /// Files that show it, by digest.
    pub evidence: Vec<EvidenceFile>,
}

/// One incident.
#[derive(Debug, Clone, Serialize)]
pub struct IncidentRow {
    /// Its id.
    pub id: EntryId,
    /// What happened.
    pub title: String,
    /// When the plant became aware of it.
    pub aware_at: Time,
    /// Whether it must be reported.
    pub significant: Significance,
    /// When the handling ended.
    pub closed_at: Option<Time>,
    /// What is owed and how that stands.
    pub deadlines: Vec<Deadline>,
    /// Decisions that took overdue reports off it, with their reasons.
    pub cleared: Vec<Cleared>,
}

/// One report that is owed.
#[derive(Debug, Clone, Serialize)]
pub struct Deadline {
    /// Which.
    pub stage: &'static str,
    /// By when, where that is known.
    pub due: Option<Time>,
    /// When it went out.
    pub sent: Option<Time>,
    /// `met`, `late`, `due`, `overdue` or `open`.
    pub state: &'static str,
}

impl Papers {
    pub(super) fn new(book: &Book, rows: &[Row], until: Time) -> Self {
        let mut accepted: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for row in rows {
            for id in row.waiver.iter().flat_map(|ids| ids.split(", ")) {
                let (accepts, suspended) = accepted.entry(id).or_default();
                *accepts += usize::from(row.verdict == Verdict::Waived);
                *suspended += usize::from(row.waiver_suspended);
            }
        }
        let is_unsigned = |row: &&Row| row.info.how == How::Attested && row.verdict == Verdict::Unknown(Cause::NoData);
        let mut unsigned: Vec<CheckId> = rows.iter().filter(is_unsigned).map(|row| row.check.clone()).collect();
        unsigned.sort();
        unsigned.dedup();
        let count = |waiver: &Waiver| accepted.get(waiver.id.as_str()).copied().unwrap_or_default();
        Self {
            waivers: book.waivers().iter().map(|waiver| WaiverRow::new(waiver, count(waiver), until)).collect(),
            attestations: book.all_current(until).into_iter().map(|one| StatementRow::new(one, until)).collect(),
            unsigned,
            incidents: book
                .incidents()
                .iter()
                .filter(|incident| incident.aware_at <= until)
                .map(|incident| IncidentRow::new(incident, book, until))
                .collect(),
            incidents_kept: book.keeps_incidents(),
        }
    }
}

impl WaiverRow {
    fn new(waiver: &Waiver, (accepts, suspended): (usize, usize), until: Time) -> Self {
        let state = match waiver.standing(until) {
            "not_begun" => "not begun",
            state => state,
        };
        Self {
            id: waiver.id.clone(),
            state,
            checks: waiver.checks().to_vec(),
            reason: said(waiver.reason.trim(), LONGEST),
            owner: waiver.owner.as_deref().map(|owner| said(owner, LONGEST)),
            approved_by: person(&waiver.approved_by),
            starts_at: waiver.starts_at,
            expires_at: waiver.expires_at,
            days_left: days(until, waiver.expires_at),
            measure: waiver.compensating_measure.as_deref().map(|text| said(text.trim(), LONGEST)),
            accepts,
            suspended,
        }
    }
}

impl StatementRow {
    fn new(statement: &Statement, until: Time) -> Self {
        let file = |file: &EvidenceFile| EvidenceFile { name: said(&file.name, LONGEST), sha256: file.sha256.clone() };
        Self {
            id: statement.id.clone(),
            check: statement.check.clone(),
            subject: statement.subject.clone(),
            state: statement.standing(until).word(),
            statement: said(statement.statement.trim(), LONGEST),
            signed_by: person(&statement.signed_by),
            signed_at: statement.signed_at,
            valid_until: statement.valid_until(),
            days_left: days(until, statement.valid_until()),
            evidence: statement.evidence.iter().map(file).collect(),
        }
    }
}

impl IncidentRow {
    fn new(incident: &Incident, book: &Book, until: Time) -> Self {
        let owed = book.duties(incident, until).into_iter().map(|duty| Deadline {
            stage: duty.stage.word(),
            due: duty.due,
            sent: duty.sent,
            state: duty.progress.word(),
        });
        Self {
            id: incident.id.clone(),
            title: said(incident.title.trim(), LONGEST),
            aware_at: incident.aware_at,
            significant: incident.significant,
            closed_at: incident.closed_at.filter(|closed| *closed <= until),
            deadlines: owed.collect(),
            cleared: incident.cleared.iter().filter(|cleared| cleared.at <= until).map(told).collect(),
        }
    }
}

fn told(cleared: &Cleared) -> Cleared {
    let (by, reason) = (said(&cleared.by, LONGEST), said(cleared.reason.trim(), LONGEST));
    Cleared { by, reason, ..cleared.clone() }
}

/// Whole days; what ended a moment ago ended a day ago.
fn days(until: Time, end: Time) -> i64 {
    (end - until).num_seconds().div_euclid(86_400)
}

fn person(signer: &Signer) -> Signer {
    Signer { person: said(&signer.person, LONGEST), role: said(&signer.role, LONGEST) }
}
