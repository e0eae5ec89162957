//! What goes into the store and comes out of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Sighting;
use crate::model::{AssetId, CheckId, CheckResult, Severity, Time, Transition, Transport, Verdict, ZoneId};

/// State and times of one (asset, check), without what explains it.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// What was judged.
    pub asset: AssetId,
    /// By which check.
    pub check: CheckId,
    /// The conclusion.
    pub verdict: Verdict,
    /// When this state began.
    pub since: Time,
    /// When it was last judged.
    pub at: Time,
}

/// One judgement in full, possibly repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The newest of the equal judgements; texts beyond their bound are cut, and say so.
    pub result: CheckResult,
    /// When the state began that it belongs to.
    pub since: Time,
    /// When it was first judged so, with the same observation.
    pub first_at: Time,
    /// How many equal judgements in a row this stands for.
    pub times: u64,
}

/// The last contact with an asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Who was visited.
    pub asset: AssetId,
    /// When the visit ended.
    pub at: Time,
    /// How long it took.
    pub duration: Duration,
    /// Which transports answered.
    pub reachable: Vec<(Transport, bool)>,
}

/// What one visit leaves behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// What was judged.
    pub results: Vec<CheckResult>,
    /// What was seen of values that have a baseline.
    pub sightings: Vec<Sighting>,
    /// The contact itself; `None` when nobody was asked.
    pub visit: Option<Visit>,
}

/// Which records to read; what is `None` does not restrict.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Of this asset.
    pub asset: Option<AssetId>,
    /// Of this check.
    pub check: Option<CheckId>,
    /// Of this zone.
    pub zone: Option<ZoneId>,
    /// In this state, one of [`Verdict::WORDS`]; for transitions the state after.
    pub state: Option<String>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Judged at or after this.
    pub from: Option<Time>,
    /// Judged before this.
    pub until: Option<Time>,
    /// Of transitions, those with a smaller number: the next page of a list.
    pub before: Option<u64>,
}

/// One transition in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRecord {
    /// Its number, from 1, without gaps in the chain as a whole.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
    /// What happened.
    pub transition: Transition,
}

/// One change of a pair in the chain: another state, or the pair leaving the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its number.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
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
    /// The state after; `None` when the pair left the plan.
    pub to: Option<Verdict>,
    /// Why, in one line.
    pub reason: String,
    /// When it was seen.
    pub at: Time,
}

/// The changes of one pair that say how it came to fail, or to be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What is judged.
    pub asset: AssetId,
    /// By which check.
    pub check: CheckId,
    /// Oldest first.
    pub turns: Vec<Turn>,
}

/// One change of a pair, without what explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The state before; `None` on first sight.
    pub from: Option<Verdict>,
    /// The state after.
    pub to: Verdict,
    /// When.
    pub at: Time,
}

/// What a person did: it goes into the chain beside the transitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What was done, one of the words of the module that understands it (`attest.sign`).
    pub kind: String,
    /// What it was done to.
    pub subject: String,
    /// Who did it.
    pub actor: String,
    /// Why, or in which words.
    pub reason: String,
    /// The rest, as JSON.
    pub body: String,
    /// When.
    pub at: Time,
}

/// One act in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRecord {
    /// Its number, shared with the transitions.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
    /// What was done.
    pub act: Act,
}

/// A SHA-256 digest, shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the chain ended at some moment, written `<number>:<digest>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the last record.
    pub seq: u64,
    /// Its digest.
    pub digest: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.digest)
    }
}

/// A text that is no [`Head`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ledger head is written <number>:<64 hexadecimal digits>")]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (seq, hex) = text.trim().split_once(':').ok_or(NotAHead)?;
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAHead);
        }
        let mut digest = [0; 32];
        for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| NotAHead)?;
        }
        Ok(Self { seq: seq.parse().map_err(|_| NotAHead)?, digest: Digest(digest) })
    }
}

/// One record of the chain with every field that its digest covers, as it is exported: one JSON object in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainRecord {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When, in microseconds since 1970 in UTC.
    pub at: i64,
    /// What kind of record: `transition`, `judgement`, `left`, `act`, `checkpoint` and others.
    pub kind: String,
    /// What it is about: an asset, or the subject of an act.
    pub asset: String,
    /// The zone, or nothing.
    pub zone: String,
    /// The check, the fact, the endpoint or the kind of an act.
    pub check: String,
    /// The severity, or nothing.
    pub severity: String,
    /// The state before.
    pub from_state: Option<String>,
    /// Why it was unknown.
    pub from_cause: Option<String>,
    /// The state after.
    pub to_state: Option<String>,
    /// Why it is unknown.
    pub to_cause: Option<String>,
    /// The reason in words.
    pub reason: String,
    /// Who did it.
    pub actor: Option<String>,
    /// What else there is to it, most often JSON.
    pub body: Option<String>,
    /// The digest of the record before, hexadecimal; zeros for the first.
    pub prev: String,
    /// Its own digest.
    pub digest: String,
}

/// What a walk over the chain found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Records walked.
    pub records: u64,
    /// The last of them.
    pub head: Option<Head>,
    /// What does not fit, the first few.
    pub breaks: Vec<Break>,
    /// What nothing speaks against, but could not be compared either.
    pub notes: Vec<String>,
}

impl Verification {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// How the chain was found when the daemon last walked it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Examination {
    /// When.
    pub at: Time,
    /// Records walked.
    pub records: u64,
    /// What does not fit, the first few; nothing where all is as it was written.
    pub problems: Vec<String>,
}

/// A place where the chain does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The record, or the first one that is missing; 0 where no record speaks of it.
    pub seq: u64,
    /// What is wrong, in one line.
    pub problem: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            0 => write!(f, "no record: {}", self.problem),
            seq => write!(f, "record {seq}: {}", self.problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_text() {
        let head = Head { seq: 7, digest: Digest([0xab; 32]) };
        assert_eq!(head.to_string().parse(), Ok(head));
        for bad in ["", "7", "7:ab", "x:", &format!("7:{}", "é".repeat(32))] {
            assert_eq!(bad.parse::<Head>(), Err(NotAHead), "{bad:?}");
        }
    }
}
