//! The model as JSON, whose keys are a contract (docs/reports.md).

use super::Report;

pub(super) fn write(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("text keys and values of our own make are JSON");
    text.push('\n');
    text
}
