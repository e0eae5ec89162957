//! The report for whoever must show evidence: one model of a period, computed once, and one file a format that writes it.
//!
//! Everything comes from the store and the configuration, beside a running daemon: nothing is asked of any device, nothing is
//! written. A report says what was seen and what was not. It never says that a plant fulfils the law: a check gives
//! evidence for a point of it, and whether that is enough is for people to decide.

mod approved;
mod assemble;
mod coverage;
mod csv;
mod drift;
mod exposed;
mod figures;
mod html;
mod ids;
mod json;
mod junit;
mod markdown;
mod method;
mod ocsf;
mod oscal;
mod pairs;
mod papers;
mod period;
mod read;
mod sarif;
mod timeline;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

pub use approved::BaselineRow;
pub use assemble::Material;
pub use coverage::{AssetRow, ControlRow, PointRow, Source};
pub use drift::Drift;
pub use figures::{Counts, Silence, Summary, Tick};
pub use pairs::{CheckInfo, How, Row};
pub use papers::{Deadline, IncidentRow, Papers, StatementRow, WaiverRow};
pub use period::{Period, PeriodError};
pub use read::{Answer, Evidence, Kept};
pub use timeline::Spans;
pub use traffic::{Traffic, TrafficRow};

use super::Exposures;
use crate::model::{CheckId, Time};
use crate::store::Head;

/// Rows of a list that is made for reading; the rest is counted, and stands in CSV and JSON.
const SHOWN: usize = 100;

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// For a person: one page without anything outside of it, on a screen or printed.
    Html,
    /// Every pair, for a spreadsheet.
    Csv,
    /// The model as it is.
    Json,
    /// For a CI system.
    Junit,
    /// SARIF 2.1.0, for code scanning and finding managers.
    Sarif,
    /// OCSF Compliance Findings, one a line, for a SIEM.
    Ocsf,
    /// OSCAL assessment results, for compliance tools.
    Oscal,
    /// For a person, in a text.
    Markdown,
}

/// How a plant stood at the end of a period, and what happened in it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Name and version of the shape.
    pub schema: &'static str,
    /// What made it, from what.
    pub made: Made,
    /// Name of the site.
    pub site: Option<Arc<str>>,
    /// What it is about.
    pub period: Period,
    /// The numbers of the first page.
    pub summary: Summary,
    /// Points of the directive.
    pub points: Vec<PointRow>,
    /// The controls that checks give evidence for.
    pub controls: Vec<ControlRow>,
    /// The assets.
    pub assets: Vec<AssetRow>,
    /// What each check of the report requires.
    pub checks: BTreeMap<CheckId, Arc<CheckInfo>>,
    /// Every pair of an asset and a check.
    pub results: Vec<Row>,
    /// States that were good and were left in the period, newest first.
    pub drift: Vec<Drift>,
    /// What is open by advisories, and what of it is known to be exploited.
    pub exposures: Exposures,
    /// What people did to baselines in the period, newest first.
    pub baselines: Vec<BaselineRow>,
    /// Why nothing can be said, the most frequent cause first.
    pub unknown: Vec<Silence>,
    /// How it went over the period.
    pub trend: Vec<Tick>,
    /// What people signed, accepted and owe.
    pub papers: Papers,
    /// What was sent to devices.
    pub traffic: Traffic,
    /// How the numbers came about, and what they do not show.
    pub method: Vec<String>,
}

/// What made a report.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// When.
    pub at: Time,
    /// By which version of the program.
    pub version: &'static str,
    /// SHA-256 of the settings it was made with.
    pub configuration: String,
    /// The last record of the ledger when it was made; none while that is empty.
    pub head: Option<Record>,
}

/// A record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its number.
    pub seq: u64,
    /// Its digest, hexadecimal.
    pub digest: String,
}

impl From<Head> for Record {
    fn from(head: Head) -> Self {
        Self { seq: head.seq, digest: head.digest.to_string() }
    }
}

impl Report {
    /// Writes it.
    #[must_use]
    pub fn write(&self, format: ReportFormat) -> String {
        match format {
            ReportFormat::Html => html::write(self),
            ReportFormat::Csv => csv::write(self),
            ReportFormat::Json => json::write(self),
            ReportFormat::Junit => junit::write(self),
            ReportFormat::Sarif => sarif::write(self),
            ReportFormat::Ocsf => ocsf::write(self),
            ReportFormat::Oscal => oscal::write(self),
            ReportFormat::Markdown => markdown::write(self),
        }
    }

    /// The name that stands for the plant.
    fn subject(&self) -> &str {
        self.site.as_deref().unwrap_or("this plant")
    }

    /// How much the list of vulnerabilities can speak for.
    fn exposure_sentence(&self) -> String {
        let Exposures { rows, assets, unknown, left_out } = &self.exposures;
        if *assets == 0 {
            return "No asset is looked through for advisories, so nothing can be said here.".to_owned();
        }
        let open = rows.iter().filter(|one| one.what.certain).count();
        let exploited = rows.iter().filter(|one| one.what.certain && one.what.exploited).count();
        let more = if *left_out > 0 { format!(" {left_out} more were not kept.") } else { String::new() };
        format!(
            "{} looked through. Open vulnerabilities: {open}, of these known to be exploited: {exploited}; undecided: {}. \
             Of {} nothing certain can be said: no advisory speaks of the maker, the version is not known, or a feed was not current.{more}",
            plural(*assets, "asset"),
            rows.len() - open,
            plural(*unknown, "asset"),
        )
    }

    /// Rows in a state, the most urgent and the oldest first.
    fn in_state(&self, is_it: impl Fn(&Row) -> bool) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.results.iter().filter(|row| is_it(row)).collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.severity), row.since, &row.asset, &row.check));
        rows
    }
}

/// A time for people.
fn shown(time: Time) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A share for people, or that there is none.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}\u{a0}%", (share * 1_000.0).floor() / 10.0))
}

/// A large number for people: 2 554 560.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// `3 assets`, `1 asset`.
fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
