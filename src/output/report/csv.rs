//! A table of every pair for a spreadsheet: nothing is left out of it.

use chrono::SecondsFormat;

use super::{Report, Row};
use crate::model::{Cause, Time};
use crate::output::round;

/// The columns; a name is never changed.
const HEAD: [&str; 25] = [
    "site",
    "period_from",
    "period_until",
    "asset",
    "zone",
    "kind",
    "check",
    "title",
    "severity",
    "how",
    "state",
    "cause",
    "reason",
    "what_to_do",
    "since",
    "judged_at",
    "waiver",
    "controls",
    "nis2",
    "time_in_compliance",
    "drifts",
    "times_judged",
    "answers_sha256",
    "ledger_record",
    "ledger_digest",
];

pub(super) fn write(report: &Report) -> String {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    // a Vec takes everything
    writer.write_record(HEAD).ok();
    let drifts = drifts(report);
    for row in &report.results {
        let count = drifts.get(&(row.asset.as_str(), row.check.as_str())).copied().unwrap_or_default();
        let cells = cells(report, row, count);
        writer.write_record(cells.iter().map(|cell| round::harmless(cell))).ok();
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn drifts(report: &Report) -> std::collections::HashMap<(&str, &str), usize> {
    let mut counts = std::collections::HashMap::new();
    for drift in &report.drift {
        *counts.entry((drift.asset.as_str(), drift.check.as_str())).or_default() += 1;
    }
    counts
}

fn cells(report: &Report, row: &Row, drifts: usize) -> [String; HEAD.len()] {
    let info = &row.info;
    let controls: Vec<_> = info.controls.iter().map(ToString::to_string).collect();
    let answers: Vec<&str> =
        row.evidence.answers.iter().map(|answer| answer.sha256.as_str()).filter(|digest| !digest.is_empty()).collect();
    let (record, digest) =
        row.record.as_ref().map_or_else(Default::default, |record| (record.seq.to_string(), record.digest.clone()));
    [
        report.site.as_deref().unwrap_or_default().to_owned(),
        time(Some(report.period.from)),
        time(Some(report.period.until)),
        row.asset.to_string(),
        row.zone.to_string(),
        row.kind.unwrap_or_default().to_owned(),
        row.check.to_string(),
        info.title.clone(),
        row.severity.to_string(),
        info.how.word().to_owned(),
        row.verdict.word().to_owned(),
        row.cause.map_or("", Cause::word).to_owned(),
        row.reason.clone(),
        row.what_to_do().to_owned(),
        time(row.since),
        time(row.judged_at),
        row.waiver.clone().unwrap_or_default(),
        controls.join(" "),
        info.nis2.join("; "),
        row.time_in_compliance.map_or_else(String::new, |share| format!("{share:.4}")),
        drifts.to_string(),
        row.evidence.times.to_string(),
        answers.join(" "),
        record,
        digest,
    ]
}

fn time(time: Option<Time>) -> String {
    time.map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}
