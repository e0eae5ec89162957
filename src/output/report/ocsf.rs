//! OCSF 1.5.0, class Compliance Finding (2003): one event a line, for a SIEM or a lake. Every pair is an event.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Report, Row};
use crate::model::{Severity, Time, Verdict};

/// The version of the schema.
const VERSION: &str = "1.5.0";
/// Category Findings, class Compliance Finding, activity Create: the type is class × 100 + activity.
const CATEGORY: u32 = 2;
const CLASS: u32 = 2003;
const ACTIVITY: u32 = 1;

pub(super) fn write(report: &Report) -> String {
    let mut lines = String::new();
    for row in &report.results {
        writeln!(lines, "{}", event(report, row)).ok();
    }
    lines
}

fn event(report: &Report, row: &Row) -> Json {
    let info = &row.info;
    let (status_id, status) = status(row.verdict);
    let (severity_id, severity) = severity(row);
    let controls: Vec<String> = info.controls.iter().map(ToString::to_string).collect();
    let at = row.judged_at.unwrap_or(report.period.until);
    let mut event = json!({
        "category_uid": CATEGORY, "category_name": "Findings",
        "class_uid": CLASS, "class_name": "Compliance Finding",
        "activity_id": ACTIVITY, "activity_name": "Create",
        "type_uid": CLASS * 100 + ACTIVITY, "type_name": "Compliance Finding: Create",
        "time": millis(at),
        "severity_id": severity_id, "severity": severity,
        "status_code": row.verdict.word(),
        "status_detail": row.reason,
        "message": format!("{}: {}", row.asset, info.title),
        "metadata": {
            "version": VERSION,
            "uid": report.uuid(&["event", row.asset.as_str(), row.check.as_str(), &report.made.at.to_rfc3339()]),
            "logged_time": millis(report.made.at),
            "product": { "name": "nis2watch", "vendor_name": "nis2watch", "version": report.made.version },
        },
        "finding_info": {
            "uid": report.pair_uuid("pair", row),
            "title": info.title,
            "desc": row.reason,
            "types": [info.how.word()],
            "created_time": millis(row.since.unwrap_or(at)),
            "first_seen_time": millis(row.evidence.first_at.unwrap_or(at)),
            "last_seen_time": millis(at),
        },
        "compliance": {
            "standards": ["Directive (EU) 2022/2555 (NIS2)"],
            "requirements": info.nis2,
            "control": controls.join(", "),
            "desc": info.title,
            "status_id": status_id,
            "status": status,
            "checks": [{ "uid": row.check, "name": info.title, "status_id": status_id, "status": status }],
        },
        "resources": [{ "uid": row.asset, "name": row.asset, "type": row.kind.unwrap_or("asset"), "namespace": row.zone }],
        "unmapped": {
            "site": report.site, "cause": row.cause, "waiver": row.waiver, "record": row.record,
            "answers": row.evidence.answers, "time_in_compliance": row.time_in_compliance,
        },
    });
    if !row.what_to_do().is_empty() {
        event["remediation"] = json!({ "desc": row.what_to_do() });
    }
    // New, or Suppressed; what is met is no finding that had a life
    if let Some((id, word)) = match row.verdict {
        Verdict::Fail | Verdict::Unknown(_) => Some((1, "New")),
        Verdict::Waived => Some((3, "Suppressed")),
        _ => None,
    } {
        (event["status_id"], event["status"]) = (json!(id), json!(word));
    }
    event
}

/// The schema's "Warning" is what this program calls unknown: no result, because information is missing.
const fn status(verdict: Verdict) -> (u32, &'static str) {
    match verdict {
        Verdict::Pass | Verdict::Warn => (1, "Pass"),
        Verdict::Unknown(_) => (2, "Warning"),
        Verdict::Fail | Verdict::Waived => (3, "Fail"),
        Verdict::NotApplicable => (99, "Not applicable"),
    }
}

fn severity(row: &Row) -> (u32, &'static str) {
    match (row.verdict, row.severity) {
        (Verdict::Pass | Verdict::Warn | Verdict::NotApplicable, _) | (_, Severity::Info) => (1, "Informational"),
        (_, Severity::Low) => (2, "Low"),
        (_, Severity::Medium) => (3, "Medium"),
        (_, Severity::High) => (4, "High"),
        (_, Severity::Critical) => (5, "Critical"),
    }
}

fn millis(time: Time) -> i64 {
    time.timestamp_millis()
}
