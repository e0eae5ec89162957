//! Answers from a recorded transcript: fixtures of checks, the demo's devices, and what `record` writes.
//!
//! Made to be written by hand: a fact is a mapping with what the asset said, and everything usual may be left out.
//!
//! ```yaml
//! facts:
//!   linux.sshd:  { stdout: "permitrootlogin no\n" }     # exit 0, no errors, not truncated
//!   snmp.system: { varbinds: { 1.3.6.1.2.1.1.1.0: "a text", 1.3.6.1.2.1.1.3.0: 123 } }
//!   tcp.ports:   { value: { open: [22], answered: true } }
//!   linux.cron:  { error: timeout }                      # or { error: privilege, detail: "…" }
//!   linux.pam:   { absent: true }                        # or { absent: "no such file" }
//! ```

mod record;
mod redact;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use record::Recorded;
pub use redact::Redaction;

use super::TransportError;
use crate::model::{Answer, Cause, CheckId, FactId, Reading, Time, Value, Verdict};

/// Everything that one asset answered, with what a check needs beside it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// Where the answers come from.
    #[serde(default)]
    pub origin: Origin,
    /// What a reader should know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The time at which it is judged; the present when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Time>,
    /// Fields of the asset, where they matter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub asset: BTreeMap<Arc<str>, Value>,
    /// Parameters of the check, where they differ from its defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<Arc<str>, Value>,
    /// Verdicts of other checks on the same asset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verdicts: BTreeMap<CheckId, Known>,
    /// What came of each fact.
    #[serde(default)]
    pub facts: BTreeMap<FactId, Recorded>,
}

/// Where the answers of a transcript come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A person wrote them.
    #[default]
    HandWritten,
    /// An asset gave them.
    Recorded,
}

/// A verdict as one or two words: `pass`, `unknown timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Known(pub Verdict);

impl TryFrom<String> for Known {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (state, cause) = text.split_once(' ').map_or((text.as_str(), None), |(state, cause)| (state, Some(cause)));
        let wrong = || format!("{text:?} is no verdict: {}, or `unknown` and a cause", Verdict::WORDS.join(", "));
        if cause.is_some_and(|cause| state != "unknown" || Cause::from_word(cause).is_none()) {
            return Err(wrong());
        }
        // an unknown without a cause is the commonest one
        let cause = cause.or(Some(Cause::NoData.word()));
        Verdict::from_words(state, cause).map(Self).ok_or_else(wrong)
    }
}

impl From<Known> for String {
    fn from(Known(verdict): Known) -> Self {
        verdict.cause().map_or_else(|| verdict.word().to_owned(), |cause| format!("{} {cause}", verdict.word()))
    }
}

/// What a transcript has to say about one fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Replayed {
    /// An answer, still to be read like one from the wire.
    Answer(Answer),
    /// Absent or missing, with nothing to read.
    Reading(Reading),
}

/// Answers from the transcript; one per fact, in order. What it does not hold is missing.
#[must_use]
pub fn ask(transcript: &Transcript, facts: &[&FactId]) -> Vec<Replayed> {
    facts.iter().map(|fact| transcript.replay(fact)).collect()
}

impl Transcript {
    /// Reads YAML or JSON.
    ///
    /// # Errors
    ///
    /// A text with line and column that names the mistake; unknown keys are mistakes.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    /// Writes YAML that [`Transcript::parse`] reads back.
    ///
    /// # Errors
    ///
    /// A text when a value cannot be written.
    pub fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }

    /// Adds what came of a live question.
    pub fn record(&mut self, fact: &FactId, came: &Result<Answer, TransportError>) {
        self.facts.insert(fact.clone(), Recorded::from_live(came));
    }

    fn replay(&self, fact: &FactId) -> Replayed {
        self.facts.get(fact).map_or_else(
            || {
                let wanted = format!("the transcript has no answer for {fact}; record it or write one under `facts:`");
                Replayed::Reading(Reading::missing(Cause::NoData, wanted))
            },
            Recorded::replay,
        )
    }
}

#[cfg(test)]
mod tests;
