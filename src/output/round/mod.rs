//! What came of one round, for people and programs: one file a format.

mod csv;
mod json;
mod junit;
mod nagios;
mod table;

use std::collections::BTreeMap;

use crate::engine::{Plan, PlannedAsset, PlannedCheck};
use crate::model::{Advice, CheckResult, Severity, Verdict};

pub(super) use csv::harmless;
pub(super) use junit::escaped;
pub use nagios::Light;

/// A shape of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// For a terminal.
    Table,
    /// `{"results": […], "summary": {…}}`.
    Json,
    /// For a CI system: the XML of Jenkins' and GitLab's readers, one suite per asset.
    Junit,
    /// For a spreadsheet, RFC 4180.
    Csv,
    /// One line with performance data (Nagios plug-in guidelines).
    Nagios,
}

/// The results of a round in plan order, with the plan that explains them.
#[derive(Debug)]
pub struct Round<'a> {
    rows: Vec<Row<'a>>,
    /// Below this a fail or an unknown does not decide the outcome.
    fail_on: Severity,
}

/// One result and the check that it came from.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    result: &'a CheckResult,
    planned: &'a PlannedAsset,
    one: &'a PlannedCheck,
}

impl Row<'_> {
    /// What to do about it, if it is unknown.
    fn advice(&self) -> Option<Advice> {
        self.planned.advice(self.result)
    }
}

/// What a round means as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that counts fails or is unknown.
    Good,
    /// Something fails.
    Failed,
    /// Nothing fails, but something is unknown.
    Unknown,
}

impl<'a> Round<'a> {
    /// Takes the results that belong to the plan.
    #[must_use]
    pub fn new(plan: &'a Plan, results: impl IntoIterator<Item = &'a CheckResult>, fail_on: Severity) -> Self {
        let mut rows: Vec<_> = results
            .into_iter()
            .filter_map(|result| {
                let asset = plan.find(result.asset.as_str())?;
                let planned = plan.asset(asset);
                let check = planned.check(result.check.as_str())?;
                Some(((asset, check), Row { result, planned, one: planned.checks.get(usize::from(check))? }))
            })
            .collect();
        rows.sort_by_key(|(place, _)| *place);
        Self { rows: rows.into_iter().map(|(_, row)| row).collect(), fail_on }
    }

    /// Results by state, every state named.
    #[must_use]
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<_, _> = Verdict::WORDS.into_iter().map(|word| (word, 0)).collect();
        for row in &self.rows {
            *counts.entry(row.result.judgement.verdict.word()).or_default() += 1;
        }
        counts
    }

    /// What it means as a whole.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let counts = |word: &str| {
            let counts = self.rows.iter().filter(|row| row.result.severity >= self.fail_on);
            counts.filter(|row| row.result.judgement.verdict.word() == word).count()
        };
        match (counts("fail"), counts("unknown")) {
            (0, 0) => Outcome::Good,
            (0, _) => Outcome::Unknown,
            _ => Outcome::Failed,
        }
    }

    /// Writes the report.
    #[must_use]
    pub fn write(&self, shape: Shape, is_terminal: bool) -> String {
        match shape {
            Shape::Table => table::write(self, is_terminal),
            Shape::Json => json::write(self),
            Shape::Junit => junit::write(self),
            Shape::Csv => csv::write(self),
            Shape::Nagios => nagios::write(self),
        }
    }
}

/// What may be a device's own words as one line without control characters, cut to `longest` characters.
pub(super) fn line(text: &str, longest: usize) -> String {
    let mut short: String = text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(longest).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
