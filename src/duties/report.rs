//! Skeletons of the reports of Article 23(4): what is known is filled in, what a person must add is left open.
//!
//! A skeleton is text for a person. Nothing here, nor anywhere else in this program, sends anything to an authority.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::book::Book;
use super::deadlines::Stage;
use super::incident::Incident;
use crate::model::Time;

/// What stands where a person must write.
const OPEN: &str = "(to be filled in)";

/// The shape of a skeleton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportShape {
    /// For a person.
    Markdown,
    /// For a form.
    Json,
}

/// What a stage asks for (Article 23(4)), as heading and what is known already.
fn parts(incident: &Incident, stage: Stage) -> Vec<(&'static str, String)> {
    let truth = |known: Option<bool>| known.map_or(OPEN, |known| if known { "yes" } else { "no" }).to_owned();
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| OPEN.to_owned());
    let affected: Vec<&str> = incident.affected.iter().map(crate::model::AssetId::as_str).collect();
    let affected = if affected.is_empty() { OPEN.to_owned() } else { affected.join(", ") };
    let open = || OPEN.to_owned();
    match stage {
        Stage::EarlyWarning => vec![
            ("Suspected to be caused by unlawful or malicious acts", truth(incident.suspected_malicious)),
            ("Could have a cross-border impact", truth(incident.cross_border)),
            ("What is known", known(&incident.description)),
            ("Affected systems", affected),
        ],
        Stage::Notification => vec![
            ("Update of the early warning", known(&incident.description)),
            ("Initial assessment: severity", open()),
            ("Initial assessment: impact", open()),
            ("Indicators of compromise, where available", open()),
            ("Affected systems", affected),
        ],
        Stage::IntermediateReport => vec![("Relevant status updates", open()), ("Affected systems", affected)],
        Stage::ProgressReport => vec![
            ("State of the handling", open()),
            ("Severity and impact so far", open()),
            ("What is planned next, and until when", open()),
        ],
        Stage::FinalReport => vec![
            ("Detailed description, severity and impact included", known(&incident.description)),
            ("Type of threat or root cause that likely triggered the incident", open()),
            ("Mitigation measures, applied and ongoing", open()),
            ("Cross-border impact, where applicable", truth(incident.cross_border)),
        ],
    }
}

/// The skeleton of one report of an incident.
#[must_use]
pub fn skeleton(book: &Book, incident: &Incident, stage: Stage, shape: ReportShape, now: Time) -> String {
    let due = book.duties(incident, now).into_iter().rfind(|duty| duty.stage == stage).and_then(|duty| duty.due);
    match shape {
        ReportShape::Markdown => markdown(book, incident, stage, due, now),
        ReportShape::Json => {
            let parts: serde_json::Map<String, Json> =
                parts(incident, stage).into_iter().map(|(name, text)| (name.to_owned(), Json::from(text))).collect();
            let report = json!({
                "incident": incident.id, "title": incident.title, "stage": stage.word(), "aware_at": incident.aware_at,
                "significant": incident.significant.word(), "due": due, "receipts": incident.receipts,
                "affected": incident.affected, "parts": parts, "made_at": now,
            });
            format!("{}\n", serde_json::to_string_pretty(&report).unwrap_or_default())
        }
    }
}

fn markdown(book: &Book, incident: &Incident, stage: Stage, due: Option<Time>, now: Time) -> String {
    let mut text = format!("# {}: {}\n\n", stage.word().replace('_', " "), line(&incident.title));
    let due = due.map_or_else(|| "no time is set".to_owned(), rfc3339);
    let facts = [
        ("Incident", incident.id.to_string()),
        ("Aware since", rfc3339(incident.aware_at)),
        ("Significant", incident.significant.word().to_owned()),
        ("Due", due),
        ("Receipts so far", incident.receipts.join(", ")),
        ("Draft made", rfc3339(now)),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "- {name}: {}", line(value)).ok();
    }
    for (name, value) in parts(incident, stage) {
        write!(text, "\n## {name}\n\n{}\n", value.trim()).ok();
    }
    text.push_str("\n## Whom to reach\n\n");
    let contacts = &book.papers().contacts;
    if contacts.is_empty() {
        text.push_str("Nobody is on the list of contacts.\n");
    }
    for contact in contacts {
        let verified = contact.verified_on.map_or_else(|| "never verified".to_owned(), |day| format!("verified {day}"));
        let (role, name, channel) = (line(&contact.role), line(&contact.name), line(&contact.channel));
        writeln!(text, "- {role}: {name}, {channel} ({verified})").ok();
    }
    text.push_str("\nThis is a draft. It was sent to nobody; once you have sent the report, note it with nis2watch incident stage.\n");
    text
}

fn rfc3339(time: Time) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
