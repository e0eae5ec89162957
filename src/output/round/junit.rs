//! XML for a CI system: a suite per asset, a case per check. A fail is a failure, an unknown is an error, what does not
//! apply or is waived is skipped.

use std::fmt::Write as _;

use super::{Round, Row, line};
use crate::model::Verdict;

/// Longest text of an attribute, in characters.
const LONGEST: usize = 1_000;

pub(super) fn write(round: &Round<'_>) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (failures, errors, skipped) = counts(&round.rows);
    writeln!(
        text,
        "<testsuites name=\"nis2watch\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
        round.rows.len()
    )
    .ok();
    for rows in round.rows.chunk_by(|a, b| a.result.asset == b.result.asset) {
        suite(rows, &mut text);
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts(rows: &[Row<'_>]) -> (usize, usize, usize) {
    let count = |words: &[&str]| rows.iter().filter(|row| words.contains(&row.result.judgement.verdict.word())).count();
    (count(&["fail"]), count(&["unknown"]), count(&["not_applicable", "waived"]))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a visit fit 53 bits")]
fn suite(rows: &[Row<'_>], text: &mut String) {
    let Some(first) = rows.first() else { return };
    let (failures, errors, skipped) = counts(rows);
    let seconds = rows.iter().map(|row| row.result.duration_ms).max().unwrap_or_default() as f64 / 1000.0;
    writeln!(
        text,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" \
         time=\"{seconds:.3}\" timestamp=\"{}\">",
        escaped(first.result.asset.as_str()),
        rows.len(),
        first.result.at.format("%Y-%m-%dT%H:%M:%S")
    )
    .ok();
    for row in rows {
        case(row, text);
    }
    text.push_str("  </testsuite>\n");
}

fn case(row: &Row<'_>, text: &mut String) {
    let judgement = &row.result.judgement;
    let reason = escaped(&line(&judgement.reason, LONGEST));
    let fix = escaped(&row.one.check.fix);
    let inside = match judgement.verdict {
        Verdict::Pass => String::new(),
        Verdict::Warn => format!("<system-out>warn: {reason}\n{fix}</system-out>"),
        Verdict::Fail => {
            format!("<failure type=\"{}\" message=\"{reason}\">{fix}</failure>", row.result.severity)
        }
        Verdict::Unknown(cause) => {
            // nothing is wrong that the fix would mend: first somebody has to see
            let advice = row.advice().map_or("", crate::model::Advice::sentence);
            format!("<error type=\"{cause}\" message=\"{reason}\">{}</error>", escaped(advice))
        }
        Verdict::NotApplicable | Verdict::Waived => format!("<skipped message=\"{reason}\"/>"),
    };
    writeln!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\">{inside}</testcase>",
        escaped(row.result.asset.as_str()),
        escaped(row.result.check.as_str())
    )
    .ok();
}

/// Text for XML 1.0: its own signs escaped, what it cannot hold replaced (section 2.2 of the recommendation).
pub(in crate::output) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}
