//! Heads of the chain that are kept elsewhere, signed where there is a key: what proves the past.

use std::fs::OpenOptions;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};

use super::{Head, PublicKey, SigningKey};
use crate::model::Time;

/// Longest line of an anchor file.
const LONGEST: u64 = 4096;
/// Findings that are told.
const MOST: usize = 20;

/// One noted head: a line of an anchor file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Number of the last record.
    pub seq: u64,
    /// Its digest, hexadecimal.
    pub digest: String,
    /// When it was noted (RFC 3339, UTC).
    pub at: String,
    /// Name of the key that signed.
    pub key: Option<String>,
    /// The signature, base64.
    pub signature: Option<String>,
}

impl Anchor {
    /// Notes a head, and signs it when there is a key.
    #[must_use]
    pub fn new(head: Head, at: Time, key: Option<&SigningKey>) -> Self {
        let mut anchor = Self {
            seq: head.seq,
            digest: head.digest.to_string(),
            at: at.to_rfc3339_opts(SecondsFormat::Micros, true),
            key: key.map(|key| key.public().id()),
            signature: None,
        };
        anchor.signature = key.map(|key| key.sign(&anchor.message()));
        anchor
    }

    /// The text that is signed: a name, the head, the time and the key, each with a line end.
    #[must_use]
    pub fn message(&self) -> String {
        let key = self.key.as_deref().unwrap_or("");
        format!("nis2watch ledger head 1\n{}:{}\n{}\n{key}\n", self.seq, self.digest, self.at)
    }

    /// As a line of an anchor file, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Adds the line to a file, which is created for its owner only; it has reached the disk when this returns.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn append(&self, file: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        file.write_all(format!("{}\n", self.line()).as_bytes())?;
        file.sync_all()
    }

    fn head(&self) -> Option<Head> {
        format!("{}:{}", self.seq, self.digest).parse().ok()
    }

    fn problem(&self, key: PublicKey) -> Option<String> {
        match (&self.key, &self.signature) {
            (Some(id), Some(_)) if *id != key.id() => Some(format!("is signed by key {id}, not by {}", key.id())),
            (Some(_), Some(signature)) if key.proves(&self.message(), signature) => None,
            (Some(_), Some(_)) => Some("has a wrong signature".to_owned()),
            _ => Some("is not signed".to_owned()),
        }
    }
}

/// What an anchor file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anchors {
    /// The heads, in the order of the file.
    pub heads: Vec<Head>,
    /// What is wrong with the file itself, with the line.
    pub problems: Vec<String>,
    /// Signatures that nobody could check, for want of a key.
    pub unchecked: usize,
}

impl Anchors {
    /// Reads a file, and checks each signature when there is a key.
    ///
    /// # Errors
    ///
    /// It cannot be read. What is wrong in it is a finding.
    pub fn read(mut text: impl BufRead, key: Option<PublicKey>) -> io::Result<Self> {
        let mut all = Self::default();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if (&mut text).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let anchor = serde_json::from_slice::<Anchor>(&line).ok();
            let Some((anchor, head)) = anchor.and_then(|anchor| anchor.head().map(|head| (anchor, head))) else {
                all.report(number, "cannot be read");
                continue;
            };
            if all.heads.last().is_some_and(|before| before.seq > head.seq) {
                all.report(number, "goes back to an earlier record");
            }
            match key.map(|key| anchor.problem(key)) {
                Some(Some(problem)) => all.report(number, &problem),
                Some(None) => {}
                None => all.unchecked += usize::from(anchor.signature.is_some()),
            }
            all.heads.push(head);
        }
        Ok(all)
    }

    fn report(&mut self, line: u64, problem: &str) {
        if self.problems.len() < MOST {
            self.problems.push(format!("anchor in line {line}: {problem}"));
        }
    }
}
