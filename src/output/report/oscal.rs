//! OSCAL 1.1.3 assessment results (NIST): an observation for each pair, a risk for each fail, a finding for each control.
//!
//! A control is satisfied only when every pair of it is met: one that is unknown is not, and says that by the reason `other`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{ControlRow, How, Report, Row};
use crate::model::{AssetId, ControlId, Verdict};

/// The version of the model.
const VERSION: &str = "1.1.3";
/// Observations that a finding names; all of them stand beside it, with their controls.
const MOST_RELATED: usize = 500;

pub(super) fn write(report: &Report) -> String {
    let told: Vec<&Row> = report.results.iter().filter(|row| row.verdict != Verdict::NotApplicable).collect();
    let mut by_control: BTreeMap<&ControlId, Vec<&Row>> = BTreeMap::new();
    for row in &told {
        row.info.controls.iter().for_each(|control| by_control.entry(control).or_default().push(row));
    }
    let reviewed: Vec<(&ControlRow, &Vec<&Row>)> =
        report.controls.iter().filter_map(|control| Some((control, by_control.get(&control.control)?))).collect();
    let plan = report.own_uuid("oscal plan");
    let document = json!({ "assessment-results": {
        "uuid": report.own_uuid("oscal"),
        "metadata": {
            "title": line(&format!("Evidence report of {}", report.subject())),
            "last-modified": report.made.at,
            "version": report.made.at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "oscal-version": VERSION,
            "remarks": report.method.join("\n\n"),
        },
        "import-ap": { "href": format!("#{plan}"), "remarks": "The plan is the configuration of nis2watch." },
        "results": [result(report, &told, &reviewed)],
        "back-matter": { "resources": [{
            "uuid": plan,
            "title": "The configuration that was in force",
            "description": format!("Settings with the SHA-256 {}.", report.made.configuration),
        }]},
    }});
    format!("{document:#}\n")
}

fn result(report: &Report, told: &[&Row], reviewed: &[(&ControlRow, &Vec<&Row>)]) -> Json {
    let risks: Vec<Json> = told.iter().filter_map(|row| risk(report, row)).collect();
    let findings: Vec<Json> = reviewed.iter().map(|(control, rows)| finding(report, control, rows)).collect();
    let ids: Vec<Json> = reviewed.iter().map(|(control, _)| json!({ "control-id": control.control })).collect();
    let selection = if ids.is_empty() { json!({ "include-all": {} }) } else { json!({ "include-controls": ids }) };
    let observations: Vec<Json> = told.iter().map(|row| observation(report, row)).collect();
    let mut result = json!({
        "uuid": report.own_uuid("oscal result"),
        "title": "What nis2watch saw",
        "description": report.summary.sentence,
        "start": report.period.from,
        "end": report.period.until,
        "reviewed-controls": { "control-selections": [selection] },
    });
    // the model knows no empty list
    for (key, list) in [("observations", observations), ("risks", risks), ("findings", findings)] {
        if !list.is_empty() {
            result[key] = json!(list);
        }
    }
    let items: Vec<Json> = report.assets.iter().map(|asset| item(report, &asset.asset, asset.kind)).collect();
    if !items.is_empty() {
        result["local-definitions"] = json!({ "inventory-items": items });
    }
    result
}

fn item(report: &Report, asset: &AssetId, kind: Option<&'static str>) -> Json {
    json!({
        "uuid": report.uuid(&["asset", asset.as_str()]),
        "description": format!("{asset}, {}", kind.unwrap_or("not in the configuration")),
        "props": [{ "name": "asset-id", "value": asset }],
    })
}

fn observation(report: &Report, row: &Row) -> Json {
    let mut props = vec![prop("state", row.verdict.word()), prop("severity", row.severity.word())];
    props.extend(row.cause.map(|cause| prop("cause", cause.word())));
    props.extend(row.waiver.as_deref().map(|waiver| prop("waiver", waiver)));
    let mut observation = json!({
        "uuid": report.pair_uuid("observation", row),
        "title": line(&format!("{}: {}", row.asset, row.info.title)),
        "description": line(&row.reason),
        "props": props,
        "methods": [if row.info.how == How::Measured { "TEST" } else { "EXAMINE" }],
        "types": [if row.verdict == Verdict::Fail { "finding" } else { "control-objective" }],
        "subjects": [{ "subject-uuid": report.uuid(&["asset", row.asset.as_str()]), "type": "inventory-item", "title": row.asset }],
        "collected": row.judged_at.unwrap_or(report.period.until),
    });
    let record =
        row.record.iter().map(|record| format!("Record {} of the ledger, SHA-256 {}", record.seq, record.digest));
    let answers = row.evidence.answers.iter().filter(|answer| !answer.sha256.is_empty());
    let answers =
        answers.map(|answer| format!("Answer to {} over {}, SHA-256 {}", answer.fact, answer.transport, answer.sha256));
    let evidence: Vec<Json> = record.chain(answers).map(|text| json!({ "description": text })).collect();
    if !evidence.is_empty() {
        observation["relevant-evidence"] = json!(evidence);
    }
    observation
}

/// A fail is a risk; one that somebody accepted is a deviation.
fn risk(report: &Report, row: &Row) -> Option<Json> {
    let status = match row.verdict {
        Verdict::Fail => "open",
        Verdict::Waived => "deviation-approved",
        _ => return None,
    };
    Some(json!({
        "uuid": report.pair_uuid("risk", row),
        "title": line(&format!("{}: not met: {}", row.asset, row.info.title)),
        "description": line(&row.reason),
        "statement": line(row.what_to_do()),
        "status": status,
        "related-observations": [{ "observation-uuid": report.pair_uuid("observation", row) }],
    }))
}

fn finding(report: &Report, control: &ControlRow, rows: &[&Row]) -> Json {
    let any = |is: fn(&Row) -> bool| rows.iter().any(|row| is(row));
    let (state, reason) = if any(|row| row.verdict == Verdict::Fail) {
        ("not-satisfied", "fail")
    } else if any(|row| !row.is_met()) {
        ("not-satisfied", "other")
    } else {
        ("satisfied", "pass")
    };
    let counts = control.counts;
    let related: Vec<Json> = rows
        .iter()
        .take(MOST_RELATED)
        .map(|row| json!({ "observation-uuid": report.pair_uuid("observation", row) }))
        .collect();
    let mut finding = json!({
        "uuid": report.uuid(&["finding", control.control.as_str()]),
        "title": line(&format!("{} {}", control.control, control.title)),
        "description": format!(
            "{} met, {} waived, {} open, {} unknown, of pairs of an asset and a check.",
            counts.met(), counts.waived, counts.open, counts.unknown
        ),
        "target": { "type": "objective-id", "target-id": control.control, "status": { "state": state, "reason": reason } },
        "related-observations": related,
    });
    let risks: Vec<Json> = rows
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::Fail | Verdict::Waived))
        .take(MOST_RELATED)
        .map(|row| json!({ "risk-uuid": report.pair_uuid("risk", row) }))
        .collect();
    if !risks.is_empty() {
        finding["related-risks"] = json!(risks);
    }
    finding
}

fn prop(name: &str, value: &str) -> Json {
    json!({ "name": name, "value": line(value) })
}

/// A string of the model has no space at its ends and is not empty.
fn line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "nothing is said".to_owned() } else { text }
}
