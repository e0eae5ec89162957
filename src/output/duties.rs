//! Dates that people answer for: when waivers and statements end, and by when incidents are reported.
//!
//! All of them are points in time, so that a rule compares them with `time()` and nothing here grows old.

use super::Format;
use super::family::{Family, Type, sample};
use crate::duties::Book;
use crate::model::Time;

static WAIVER: Family = Family::new(
    Type::Gauge,
    "nis2watch_waiver_expiry_timestamp_seconds",
    "When a waiver ends and its findings come back.",
);
static ATTESTATION: Family = Family::new(
    Type::Gauge,
    "nis2watch_attestation_expiry_timestamp_seconds",
    "When the newest signed statement about a subject ends.",
);
static INCIDENT: Family = Family::new(
    Type::Gauge,
    "nis2watch_incident_deadline_timestamp_seconds",
    "By when a report of a significant incident is due; absent once it went out.",
);

/// The lines of the three families.
#[derive(Debug, Default)]
pub(super) struct Duties {
    waivers: Vec<u8>,
    attestations: Vec<u8>,
    incidents: Vec<u8>,
}

impl Duties {
    pub(super) fn new(book: &Book, now: Time) -> Self {
        let mut lines = Self::default();
        for waiver in book.waivers().unsettled(now) {
            let labels = [("id", waiver.id.as_str()), ("owner", waiver.owner.as_deref().unwrap_or_default())];
            sample(&mut lines.waivers, WAIVER.name, &labels, waiver.expires_at.timestamp());
        }
        for statement in book.all_current(now) {
            let labels = [
                ("id", statement.id.as_str()),
                ("check", statement.check.as_str()),
                ("subject", statement.subject.as_str()),
            ];
            sample(&mut lines.attestations, ATTESTATION.name, &labels, statement.valid_until().timestamp());
        }
        for (incident, stage, due) in first_deadlines(book, now) {
            sample(&mut lines.incidents, INCIDENT.name, &[("incident", incident), ("stage", stage)], due.timestamp());
        }
        lines
    }

    pub(super) fn render(&self, format: Format, out: &mut Vec<u8>) {
        let families = [(&WAIVER, &self.waivers), (&ATTESTATION, &self.attestations), (&INCIDENT, &self.incidents)];
        for (family, lines) in families.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            out.extend_from_slice(family.header(format).plain());
            out.extend_from_slice(lines);
        }
    }
}

/// The first deadline of each stage of an incident: of several progress reports that are owed, the oldest.
fn first_deadlines(book: &Book, now: Time) -> Vec<(&str, &'static str, Time)> {
    let mut first: Vec<(&str, &'static str, Time)> = Vec::new();
    for (incident, duty) in book.open_deadlines(now) {
        let (id, stage) = (incident.id.as_str(), duty.stage.word());
        let Some(due) = duty.due else { continue };
        if !first.iter().any(|(known, of, _)| *known == id && *of == stage) {
            first.push((id, stage, due));
        }
    }
    first
}
