//! Attestations: what a person signed, for how long it holds, and where the evidence is.
//!
//! A statement is never changed; a newer one about the same check and subject takes its place. Its standing is a
//! function of the clock.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::days_between;
use super::page::{self, Page};
use crate::model::{AssetId, CheckId, EntryId, Problems, Time, Value};

/// The key of the list.
const KEY: &str = "attestations";
/// Longest validity; ten years are beyond any review cycle.
const LONGEST_VALIDITY: u32 = 3_653;
/// How far the clocks of two machines may differ before a signature counts as one from the future.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// One signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Unique, never reused.
    pub id: EntryId,
    /// The check that reads it.
    pub check: CheckId,
    /// What it is about: `org`, an asset, `room:…`, `supplier:…`, `line:…`.
    pub subject: AssetId,
    /// What is stated, in words.
    pub statement: String,
    /// Who signed.
    pub signed_by: Signer,
    /// When.
    #[serde(deserialize_with = "page::time")]
    pub signed_at: Time,
    /// How many days it holds.
    pub valid_days: u32,
    /// Confirmed or rejected.
    pub result: Outcome,
    /// Who sees to the renewal; the signer where nobody is named.
    #[serde(default)]
    pub owner: Option<Arc<str>>,
    /// Files that show it, by digest.
    #[serde(default)]
    pub evidence: Vec<EvidenceFile>,
    /// What else the check reads.
    #[serde(default)]
    pub fields: BTreeMap<Arc<str>, Value>,
    /// The statement it renews.
    #[serde(default)]
    pub renews: Option<EntryId>,
    /// `file:line:column`, or the ledger.
    #[serde(skip)]
    pub declared: Arc<str>,
}

/// A person in a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Name or number of the person.
    pub person: String,
    /// In which role.
    pub role: String,
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is so.
    #[serde(alias = "accepted")]
    Confirmed,
    /// It is not so: evidence of a failure.
    Rejected,
}

impl Outcome {
    /// The word in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

/// A file that shows what is stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its content, 64 hexadecimal digits.
    pub sha256: String,
}

/// What a statement is worth at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Valid,
    /// Its time is over.
    Expired,
    /// It says that something is not so.
    Rejected,
    /// It is signed in the future, so it says nothing yet.
    Ahead,
}

impl Standing {
    /// All words.
    pub const WORDS: [&'static str; 4] = ["valid", "expired", "rejected", "ahead"];

    /// The word in lists and facts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Ahead => "ahead",
        }
    }
}

impl Statement {
    /// The last instant at which it holds.
    #[must_use]
    pub fn valid_until(&self) -> Time {
        self.signed_at.checked_add_signed(TimeDelta::days(i64::from(self.valid_days))).unwrap_or(Time::MAX_UTC)
    }

    /// What it is worth now.
    #[must_use]
    pub fn standing(&self, now: Time) -> Standing {
        if self.signed_at > now + CLOCK_SKEW {
            Standing::Ahead
        } else if self.result == Outcome::Rejected {
            Standing::Rejected
        } else if now > self.valid_until() {
            Standing::Expired
        } else {
            Standing::Valid
        }
    }

    /// Who sees to the renewal.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.owner.as_deref().unwrap_or(&self.signed_by.person)
    }

    /// The statement as checks read it.
    #[must_use]
    pub fn fact(&self, now: Time) -> Value {
        let names = self.evidence.iter().map(|file| Value::text(&file.name));
        let fields = self.fields.iter().map(|(name, value)| (name, value.clone()));
        Value::map([
            ("id", Value::text(self.id.as_str())),
            ("subject", Value::text(self.subject.as_str())),
            ("state", Value::text(self.standing(now).word())),
            ("result", Value::text(self.result.word())),
            ("statement", Value::text(&self.statement)),
            ("person", Value::text(&self.signed_by.person)),
            ("role", Value::text(&self.signed_by.role)),
            ("owner", Value::text(self.owner())),
            ("signed_at", Value::text(self.signed_at.to_rfc3339())),
            ("valid_until", Value::text(self.valid_until().to_rfc3339())),
            ("days_left", Value::Float(days_between(now, self.valid_until()))),
            // a clock that is a little behind the signer's makes no age below zero
            ("age_days", Value::Float(days_between(self.signed_at, now).max(0.0))),
            ("evidence", Value::list(names)),
            ("fields", Value::map(fields)),
        ])
    }

    /// What is wrong with it beyond its types: key, message, hint.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut found = Vec::new();
        if !(1..=LONGEST_VALIDITY).contains(&self.valid_days) {
            found.push(("valid_days", format!("{} is not between 1 and {LONGEST_VALIDITY} days", self.valid_days), ""));
        }
        for (key, text) in [("statement", &self.statement), ("signed_by", &self.signed_by.person)] {
            if text.trim().is_empty() {
                found.push((key, "nothing is said".to_owned(), "a statement names what is stated and who states it"));
            }
        }
        for file in self.evidence.iter().filter(|file| NOTHING.contains(&&*file.sha256.to_ascii_lowercase())) {
            let message = format!("the digest of {:?} is that of no content", file.name);
            found.push(("evidence", message, "sha256sum FILE prints that of the file"));
        }
        for file in self.evidence.iter().filter(|file| !is_digest(&file.sha256)) {
            let message = format!("the digest of {:?} is not 64 hexadecimal digits", file.name);
            found.push(("evidence", message, "sha256sum FILE prints it"));
        }
        found
    }
}

/// What stands for a digest where there is no content: zeros, and SHA-256 of an empty file.
const NOTHING: [&str; 2] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The statement that counts: the one signed last, of those not signed in the future; the later of two in one instant.
pub fn current<'a>(statements: impl IntoIterator<Item = &'a Statement>, now: Time) -> Option<&'a Statement> {
    statements
        .into_iter()
        .filter(|statement| statement.standing(now) != Standing::Ahead)
        .max_by_key(|statement| statement.signed_at)
}

/// Reads the files.
pub(super) fn load(files: &[PathBuf], problems: &mut Problems) -> Vec<Statement> {
    let (mut all, mut seen) = (Vec::new(), BTreeMap::new());
    for file in files {
        let Some(mut page) = Page::load(file, KEY, problems) else { continue };
        let entries = page.entries::<Statement>(KEY);
        for found in page.once(entries, &mut seen, |statement| &statement.id) {
            for (key, message, hint) in found.value.mistakes() {
                page.wrong(&found, key, message, hint);
            }
            all.push(Statement { declared: found.declared, ..found.value });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statement(id: &str, signed_at: Time, valid_days: u32, result: Outcome) -> Statement {
        Statement {
            id: EntryId::parse(id).unwrap(),
            check: CheckId::parse("attest-restore-test").unwrap(),
            subject: AssetId::parse("org").unwrap(),
            statement: "restored".into(),
            signed_by: Signer { person: "p-1".into(), role: "it".into() },
            signed_at,
            valid_days,
            result,
            owner: None,
            evidence: Vec::new(),
            fields: BTreeMap::new(),
            renews: None,
            declared: "".into(),
        }
    }

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn a_statement_holds_through_its_last_instant_and_fails_after_it() {
        let signed = statement("a", at("2098-01-15T14:30:00Z"), 365, Outcome::Confirmed);
        assert_eq!(signed.standing(at("2099-01-15T14:30:00Z")), Standing::Valid);
        assert_eq!(signed.standing(at("2099-01-15T14:30:01Z")), Standing::Expired);
        let over_a_leap_day = statement("b", at("2027-03-01T00:00:00Z"), 365, Outcome::Confirmed);
        assert_eq!(over_a_leap_day.valid_until(), at("2028-02-29T00:00:00Z"));
        // the nights on which clocks change have 23 and 25 hours; a validity counts days of 24
        let over_summer = statement("c", at("2026-03-28T22:30:00+01:00"), 1, Outcome::Confirmed);
        assert_eq!(over_summer.valid_until(), at("2026-03-29T23:30:00+02:00"));
    }

    #[test]
    fn a_rejected_statement_is_a_failure_for_ever_and_one_from_the_future_says_nothing() {
        let now = at("2026-06-01T00:00:00Z");
        let rejected = statement("a", now - TimeDelta::days(900), 30, Outcome::Rejected);
        assert_eq!(rejected.standing(now), Standing::Rejected);
        let ahead = statement("b", now + TimeDelta::hours(1), 30, Outcome::Confirmed);
        assert_eq!(ahead.standing(now), Standing::Ahead);
        assert_eq!(current([&rejected, &ahead], now).unwrap().id.as_str(), "a");
        assert!(current([&ahead], now).is_none());
    }

    proptest! {
        #[test]
        fn the_newest_signature_counts_whatever_the_order(mut ages in proptest::collection::vec(0_i64..5_000, 1..8)) {
            let now = at("2040-01-01T00:00:00Z");
            let all: Vec<_> = ages.iter().map(|age| statement("a", now - TimeDelta::days(*age), 365, Outcome::Confirmed)).collect();
            let counts = current(&all, now).unwrap();
            ages.sort_unstable();
            prop_assert_eq!(counts.signed_at, now - TimeDelta::days(ages[0]));
        }

        #[test]
        fn days_left_and_the_standing_agree(signed in 0_i64..4_000_000_000, days in 1_u32..3_000, now in 0_i64..4_400_000_000) {
            let (signed, now) = (Time::from_timestamp(signed, 0).unwrap(), Time::from_timestamp(now, 0).unwrap());
            let one = statement("a", signed, days, Outcome::Confirmed);
            let Value::Float(left) = one.fact(now).get("days_left").unwrap().clone() else { panic!() };
            match one.standing(now) {
                Standing::Valid => prop_assert!(left >= 0.0),
                Standing::Expired => prop_assert!(left < 0.0),
                Standing::Ahead => prop_assert!(signed > now),
                Standing::Rejected => prop_assert!(false),
            }
        }
    }
}
