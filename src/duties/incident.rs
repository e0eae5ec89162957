//! Incidents as the register has them: when somebody became aware, what was reported when.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::deadlines::Stage;
use super::page::{self, Page};
use crate::model::{AssetId, EntryId, Problems, Time};

/// The key of the list.
const KEY: &str = "incidents";

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Unique, never reused.
    pub id: EntryId,
    /// What happened, one line.
    pub title: String,
    /// When the plant became aware of it.
    #[serde(deserialize_with = "page::time")]
    pub aware_at: Time,
    /// Whether it is significant in the sense of Article 23(3).
    #[serde(default)]
    pub significant: Significance,
    /// When the plant became aware that it is significant, where that was later; without it, deadlines count from `aware_at`.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub significant_since: Option<Time>,
    /// When the early warning went out.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub early_warning_at: Option<Time>,
    /// When the notification went out.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub notification_at: Option<Time>,
    /// When the authority asked for an intermediate report.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub intermediate_requested_at: Option<Time>,
    /// When that went out.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub intermediate_sent_at: Option<Time>,
    /// When progress reports went out.
    #[serde(default, deserialize_with = "page::times")]
    pub progress_report_at: Vec<Time>,
    /// When the final report went out.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub final_report_at: Option<Time>,
    /// When the handling ended.
    #[serde(default, deserialize_with = "page::maybe_time")]
    pub closed_at: Option<Time>,
    /// What the authority answered: file numbers, receipts.
    #[serde(default)]
    pub receipts: Vec<String>,
    /// Assets that it concerns.
    #[serde(default)]
    pub affected: Vec<AssetId>,
    /// Whether it is suspected to be unlawful or malicious.
    #[serde(default)]
    pub suspected_malicious: Option<bool>,
    /// Whether it could have an impact across borders.
    #[serde(default)]
    pub cross_border: Option<bool>,
    /// What happened, in words.
    #[serde(default)]
    pub description: Option<String>,
    /// Decisions that took overdue reports off it, in the order of the ledger; what was missed stays to be seen.
    #[serde(skip)]
    pub cleared: Vec<Cleared>,
    /// `file:line:column`, or the ledger.
    #[serde(skip)]
    pub declared: Arc<str>,
}

/// A decision about an incident after which reports that were overdue are owed later, or no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// When it was decided.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Which reports were overdue until then.
    pub stages: Vec<Stage>,
}

impl Cleared {
    /// Longest part that a person wrote, in characters.
    const LONGEST: usize = 400;

    /// One sentence for lists, pages and reports.
    #[must_use]
    pub fn words(&self) -> String {
        let line = |text: &str| -> String {
            text.trim().chars().take(Self::LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
        };
        let stages: Vec<String> = self.stages.iter().map(|stage| stage.word().replace('_', " ")).collect();
        format!(
            "overdue until {} decided anew on {}: {}; the reason given: {}",
            line(&self.by),
            self.at.format("%Y-%m-%d %H:%M UTC"),
            stages.join(", "),
            line(&self.reason)
        )
    }
}

/// Whether an incident must be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Significance {
    /// It must be.
    #[serde(alias = "true")]
    Yes,
    /// It need not be.
    #[serde(alias = "false")]
    No,
    /// Nobody has decided yet.
    #[default]
    Undecided,
}

impl Significance {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Undecided => "undecided",
        }
    }
}

impl Incident {
    /// An incident of which nothing is known but that it is there.
    #[must_use]
    pub fn new(id: EntryId, title: String, aware_at: Time) -> Self {
        Self {
            id,
            title,
            aware_at,
            significant: Significance::Undecided,
            significant_since: None,
            early_warning_at: None,
            notification_at: None,
            intermediate_requested_at: None,
            intermediate_sent_at: None,
            progress_report_at: Vec::new(),
            final_report_at: None,
            closed_at: None,
            receipts: Vec::new(),
            affected: Vec::new(),
            suspected_malicious: None,
            cross_border: None,
            description: None,
            cleared: Vec::new(),
            declared: Arc::from("the ledger"),
        }
    }

    /// When the deadlines begin to run.
    #[must_use]
    pub fn clock_starts(&self) -> Time {
        self.significant_since.unwrap_or(self.aware_at)
    }

    /// When a stage was reported; the last one of progress reports.
    #[must_use]
    pub fn sent(&self, stage: Stage) -> Option<Time> {
        match stage {
            Stage::EarlyWarning => self.early_warning_at,
            Stage::Notification => self.notification_at,
            Stage::IntermediateReport => self.intermediate_sent_at,
            Stage::ProgressReport => self.progress_report_at.iter().copied().max(),
            Stage::FinalReport => self.final_report_at,
        }
    }

    /// Notes that a stage was reported.
    pub fn note(&mut self, stage: Stage, at: Time) {
        match stage {
            Stage::EarlyWarning => self.early_warning_at = Some(at),
            Stage::Notification => self.notification_at = Some(at),
            Stage::IntermediateReport => self.intermediate_sent_at = Some(at),
            Stage::ProgressReport => self.progress_report_at.push(at),
            Stage::FinalReport => self.final_report_at = Some(at),
        }
    }

    /// What is wrong with it beyond its types: key, message, hint.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut found = Vec::new();
        if self.title.trim().is_empty() {
            found.push(("title", "nothing is said".to_owned(), ""));
        }
        let first_progress = self.progress_report_at.iter().copied().min();
        let moments = [
            ("significant_since", self.significant_since),
            ("early_warning_at", self.early_warning_at),
            ("notification_at", self.notification_at),
            ("intermediate_requested_at", self.intermediate_requested_at),
            ("intermediate_sent_at", self.intermediate_sent_at),
            ("progress_report_at", first_progress),
            ("final_report_at", self.final_report_at),
            ("closed_at", self.closed_at),
        ];
        for (key, moment) in moments {
            if moment.is_some_and(|moment| moment < self.aware_at) {
                let message = "this lies before aware_at".to_owned();
                found.push((key, message, "look at the offset of both times; Z means UTC"));
            }
        }
        if self.intermediate_sent_at.is_some() && self.intermediate_requested_at.is_none() {
            let message = "nobody asked for it: intermediate_requested_at is missing".to_owned();
            found.push(("intermediate_sent_at", message, ""));
        }
        found
    }
}

/// Reads the files.
pub(super) fn load(files: &[PathBuf], problems: &mut Problems) -> Vec<Incident> {
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for file in files {
        let Some(mut page) = Page::load(file, KEY, problems) else { continue };
        let entries = page.entries::<Incident>(KEY);
        for found in page.once(entries, &mut seen, |incident| &incident.id) {
            for (key, message, hint) in found.value.mistakes() {
                page.wrong(&found, key, message, hint);
            }
            all.push(Incident { declared: found.declared, ..found.value });
        }
    }
    all
}
