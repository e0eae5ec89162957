//! JSON, whose keys are a contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Round, Row};
use crate::model::{ControlId, Evidence, Time, Value};

#[derive(Serialize)]
struct Report<'a> {
    results: Vec<Entry<'a>>,
    summary: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct Entry<'a> {
    asset: &'a str,
    zone: &'a str,
    check: &'a str,
    title: &'a str,
    state: &'static str,
    cause: Option<&'static str>,
    severity: &'static str,
    reason: &'a str,
    observed: &'a Value,
    expected: &'a Value,
    params: &'a BTreeMap<Arc<str>, Value>,
    controls: &'a [ControlId],
    fix: &'a str,
    /// What to do, where the state is unknown.
    advice: Option<&'static str>,
    evidence: &'a Evidence,
    duration_ms: u64,
    at: Time,
}

impl<'a> Entry<'a> {
    fn of(row: &Row<'a>) -> Self {
        let (result, judgement) = (row.result, &row.result.judgement);
        Self {
            asset: result.asset.as_str(),
            zone: result.zone.as_str(),
            check: result.check.as_str(),
            title: &row.one.check.title,
            state: judgement.verdict.word(),
            cause: judgement.verdict.cause().map(crate::model::Cause::word),
            severity: result.severity.word(),
            reason: &judgement.reason,
            observed: &judgement.observed,
            expected: &judgement.expected,
            params: &judgement.params,
            controls: &result.controls,
            fix: &row.one.check.fix,
            advice: row.advice().map(crate::model::Advice::sentence),
            evidence: &result.evidence,
            duration_ms: result.duration_ms,
            at: result.at,
        }
    }
}

pub(super) fn write(round: &Round<'_>) -> String {
    let report = Report { results: round.rows.iter().map(Entry::of).collect(), summary: round.summary() };
    let mut text = serde_json::to_string_pretty(&report).expect("text keys and values of our own make are JSON");
    text.push('\n');
    text
}
