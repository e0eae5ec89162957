//! Evidence: what a verdict rests on, and the record that is stored and shown.

use serde::{Deserialize, Serialize};

use super::{AssetId, CheckId, ControlId, FactId, Judgement, Severity, Time, Transport, Verdict, ZoneId};

/// One question that was asked for a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceItem {
    /// The fact it was asked for.
    pub fact: FactId,
    /// How it was asked.
    pub transport: Transport,
    /// The question in one line, without secrets.
    pub question: String,
    /// SHA-256 of the raw answer, hexadecimal; empty when none came.
    pub answer_sha256: String,
    /// When it was asked; where questions share a conversation, when that began.
    pub asked_at: Time,
    /// How long the answer took, in milliseconds; where questions share a conversation, how long that took.
    pub took_ms: u64,
    /// Why there is no answer, as a word, if there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<super::Cause>,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The questions, in the order asked.
    pub items: Vec<EvidenceItem>,
    /// Where the packets were sent from.
    pub vantage: String,
    /// The trace of the visit, hexadecimal, when traces are on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_id: Option<String>,
    /// The finding as it was before a waiver was laid over it, when one was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding: Option<Finding>,
    /// How what was seen stands to its baseline, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drift: Option<Compared>,
    /// What lists over the whole plant take from it, where the check says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub listed: Option<super::Listed>,
}

/// What came of the comparison with a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// One word for it: `proposed`, `approved`, `differs`, …
    pub standing: String,
    /// State and reason as the check itself judged, where the comparison changed either.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judged: Option<(String, String)>,
}

/// A fail as it was found, beside what a waiver makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Finding {
    /// Which waiver means it.
    pub waiver: String,
    /// What was found.
    pub reason: String,
    /// Whether the waiver is suspended, so that the finding stands.
    #[serde(default)]
    pub suspended: bool,
    /// Whether it accepts some of the vulnerabilities and not all, so that the finding stands.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub partly: bool,
}

/// One evaluation of one check on one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// What was judged.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// By which check.
    pub check: CheckId,
    /// In which version.
    pub check_version: u32,
    /// How urgent a fail is.
    pub severity: Severity,
    /// The controls it gives evidence for.
    pub controls: Vec<ControlId>,
    /// The conclusion and its reasons.
    pub judgement: Judgement,
    /// What it rests on.
    pub evidence: Evidence,
    /// When it was judged.
    pub at: Time,
    /// How long the visit took, in milliseconds.
    pub duration_ms: u64,
}

/// A change of verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// What changed.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// By which check.
    pub check: CheckId,
    /// How urgent a fail is.
    pub severity: Severity,
    /// The state before; `None` on first sight.
    pub from: Option<Verdict>,
    /// The state now.
    pub to: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// When it was seen.
    pub at: Time,
}

impl Transition {
    /// A transition away from pass (check catalogue, section 1, drift kind "state").
    #[must_use]
    pub fn is_drift(&self) -> bool {
        self.from.is_some_and(|from| from.drifts_to(self.to))
    }
}
