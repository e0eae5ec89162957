//! SARIF 2.1.0 (OASIS): rules are checks, results are fails, what is waived is suppressed.
//!
//! What is unknown is a result of the kind `open`, as the standard has it for rules that could not be decided: a log without
//! results would read as a clean plant where nothing could be seen.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{CheckInfo, Report, Row};
use crate::duties::Signer;
use crate::model::{CheckId, Severity, Verdict};

/// The schema of the standard.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn write(report: &Report) -> String {
    let is_told = |row: &&Row| matches!(row.verdict, Verdict::Fail | Verdict::Waived | Verdict::Unknown(_));
    let told: Vec<&Row> = report.results.iter().filter(is_told).collect();
    let places: BTreeMap<&CheckId, usize> = report.checks.keys().enumerate().map(|(at, check)| (check, at)).collect();
    let rules: Vec<Json> = report.checks.iter().map(|(check, info)| rule(check, info)).collect();
    let results: Vec<Json> = told.into_iter().map(|row| result(report, row, places.get(&row.check).copied())).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "nis2watch",
                "version": report.made.version,
                "semanticVersion": report.made.version,
                "rules": rules,
            }},
            "automationDetails": {
                "id": format!("nis2watch/{}/{}", report.subject(), report.made.at.format("%Y%m%dT%H%M%SZ")),
                "guid": report.own_uuid("sarif"),
            },
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": report.made.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            }],
            "results": results,
            "properties": { "summary": report.summary, "period": report.period, "made": report.made },
        }],
    });
    format!("{log:#}\n")
}

fn rule(check: &CheckId, info: &CheckInfo) -> Json {
    let tags: Vec<String> =
        info.controls.iter().map(ToString::to_string).chain(info.nis2.iter().map(ToString::to_string)).collect();
    json!({
        "id": check,
        "shortDescription": { "text": info.title },
        "fullDescription": { "text": if info.proves.is_empty() { &info.title } else { &info.proves } },
        "help": { "text": if info.fix.is_empty() { &info.title } else { &info.fix } },
        "defaultConfiguration": { "level": level(info.severity) },
        "properties": { "tags": tags, "severity": info.severity, "how": info.how, "security-severity": score(info.severity) },
    })
}

fn result(report: &Report, row: &Row, rule: Option<usize>) -> Json {
    let (kind, level) = match row.verdict {
        Verdict::Unknown(_) => ("open", "none"),
        _ => ("fail", level(row.severity)),
    };
    let mut result = json!({
        "ruleId": row.check,
        "kind": kind,
        "level": level,
        "message": { "text": format!("{}: {}", row.asset, row.reason) },
        "locations": [{ "logicalLocations": [{
            "name": row.asset, "fullyQualifiedName": format!("{}/{}", row.zone, row.asset), "kind": "resource",
        }]}],
        "partialFingerprints": { "nis2watchPair/v1": report.pair_uuid("pair", row) },
        "guid": report.pair_uuid("sarif result", row),
        "properties": {
            "state": row.verdict.word(), "cause": row.cause, "since": row.since, "judged_at": row.judged_at,
            "record": row.record, "waiver": row.waiver, "advice": row.what_to_do(),
        },
    });
    if let Some(rule) = rule {
        result["ruleIndex"] = json!(rule);
    }
    if row.verdict == Verdict::Waived {
        // without a status it counts as accepted, in the first edition of the schema as in the corrected one
        result["suppressions"] = json!([{ "kind": "external", "justification": justification(report, row) }]);
    }
    result
}

/// Which waivers accept a finding, and what they say: why, until when, by whom.
fn justification(report: &Report, row: &Row) -> String {
    let Some(ids) = row.waiver.as_deref() else { return "a waiver".to_owned() };
    let told = ids.split(", ").map(|id| match report.papers.waivers.iter().find(|waiver| waiver.id.as_str() == id) {
        None => format!("waiver {id}"),
        Some(waiver) => {
            let until = waiver.expires_at.format("%Y-%m-%dT%H:%M:%SZ");
            let Signer { person, role } = &waiver.approved_by;
            let role = if role.is_empty() { String::new() } else { format!(" ({role})") };
            format!("waiver {id}: {} (until {until}, approved by {person}{role})", waiver.reason)
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// What code scanning sorts by, on the scale of CVSS; a rank and no measurement.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.1",
    }
}
