//! A table for a spreadsheet.

use super::{Round, line};

/// Longest cell of what a device may have said, in characters; spreadsheets cut at 32,767.
const LONGEST: usize = 2_000;
/// A cell that begins so is a formula to a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

pub(super) fn write(round: &Round<'_>) -> String {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    let head = [
        "asset", "zone", "kind", "check", "title", "severity", "state", "cause", "reason", "fix", "controls", "at",
        "advice",
    ];
    // a Vec takes everything
    writer.write_record(head).ok();
    for row in &round.rows {
        let (result, judgement) = (row.result, &row.result.judgement);
        let controls: Vec<_> = result.controls.iter().map(ToString::to_string).collect();
        let cells = [
            result.asset.to_string(),
            result.zone.to_string(),
            row.planned.member.asset.kind.to_string(),
            result.check.to_string(),
            row.one.check.title.clone(),
            result.severity.to_string(),
            judgement.verdict.word().to_owned(),
            judgement.verdict.cause().map_or_else(String::new, |cause| cause.to_string()),
            judgement.reason.clone(),
            row.one.check.fix.clone(),
            controls.join(" "),
            result.at.to_rfc3339(),
            row.advice().map_or_else(String::new, |advice| advice.to_string()),
        ];
        writer.write_record(cells.iter().map(|cell| harmless(cell))).ok();
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A device must not write formulas into the auditor's spreadsheet.
pub(in crate::output) fn harmless(cell: &str) -> String {
    let cell = line(cell, LONGEST);
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell }
}
