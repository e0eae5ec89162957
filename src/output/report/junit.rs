//! XML for a CI system: a suite per asset, a case per pair, as `check --format junit` has it. A fail is a failure, an unknown is
//! an error, what is waived or does not apply is skipped.

use std::fmt::Write as _;

use super::{Report, Row};
use crate::model::Verdict;
use crate::output::round::escaped;

pub(super) fn write(report: &Report) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (failures, errors, skipped) = counts(&report.results);
    // writing to a String cannot fail
    writeln!(
        text,
        "<testsuites name=\"nis2watch report\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
        report.results.len()
    )
    .ok();
    for rows in report.results.chunk_by(|one, other| one.asset == other.asset) {
        suite(report, rows, &mut text);
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts(rows: &[Row]) -> (usize, usize, usize) {
    let count = |words: &[&str]| rows.iter().filter(|row| words.contains(&row.verdict.word())).count();
    (count(&["fail"]), count(&["unknown"]), count(&["not_applicable", "waived"]))
}

fn suite(report: &Report, rows: &[Row], text: &mut String) {
    let Some(first) = rows.first() else { return };
    let (failures, errors, skipped) = counts(rows);
    writeln!(
        text,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\" \
         timestamp=\"{}\">",
        escaped(first.asset.as_str()),
        rows.len(),
        report.period.until.format("%Y-%m-%dT%H:%M:%S")
    )
    .ok();
    for row in rows {
        let (asset, check) = (escaped(row.asset.as_str()), escaped(row.check.as_str()));
        writeln!(text, "    <testcase classname=\"{asset}\" name=\"{check}\" time=\"0\">{}</testcase>", inside(row))
            .ok();
    }
    text.push_str("  </testsuite>\n");
}

fn inside(row: &Row) -> String {
    let (reason, what_to_do) = (escaped(&row.reason), escaped(row.what_to_do()));
    match row.verdict {
        Verdict::Pass => String::new(),
        Verdict::Warn => format!("<system-out>warn: {reason}\n{what_to_do}</system-out>"),
        Verdict::Fail => format!("<failure type=\"{}\" message=\"{reason}\">{what_to_do}</failure>", row.severity),
        Verdict::Unknown(cause) => format!("<error type=\"{cause}\" message=\"{reason}\">{what_to_do}</error>"),
        Verdict::NotApplicable | Verdict::Waived => format!("<skipped message=\"{reason}\"/>"),
    }
}
