//! Which fails a waiver means.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::duties::page::OneOrMany;
use crate::model::{Asset, CheckId, Kind, ZoneId};

/// Which fails a waiver accepts: all conditions must hold, and one word of each is enough.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// Ids of assets; `*` stands for any text.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub asset: Vec<String>,
    /// Labels of assets.
    #[serde(default, deserialize_with = "labels", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Arc<str>, Vec<String>>,
    /// Zones.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub zone: Vec<ZoneId>,
    /// Kinds of assets.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<Kind>,
    /// Checks; at least one is named.
    #[serde(deserialize_with = "some")]
    pub check: Vec<CheckId>,
    /// Vulnerabilities: only a finding whose vulnerabilities are all waived is.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    pub cve: Vec<String>,
    /// What a finding may name, such as ports, accounts or files: one that names anything else is not accepted. Without it all
    /// that the check finds is, also what comes later.
    #[serde(default, deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(OneOrMany::deserialize(deserializer)?.0)
}

/// Words, among them numbers such as ports.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Word {
        Number(i64),
        Text(String),
    }
    let word = |word| match word {
        Word::Number(number) => number.to_string(),
        Word::Text(text) => text,
    };
    Ok(OneOrMany::<Word>::deserialize(deserializer)?.0.into_iter().map(word).collect())
}

fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Arc<str>, Vec<String>>, D::Error> {
    let read = BTreeMap::<Arc<str>, OneOrMany<String>>::deserialize(deserializer)?;
    Ok(read.into_iter().map(|(name, words)| (name, words.0)).collect())
}

impl Selector {
    /// Whether it means an asset and a check, vulnerabilities and what a finding names aside.
    #[must_use]
    pub fn means(&self, asset: &Asset, check: &CheckId) -> bool {
        let label = |(name, wanted): (&Arc<str>, &Vec<String>)| {
            asset.labels.get(name).is_some_and(|value| wanted.iter().any(|word| fits(word, value)))
        };
        self.check.contains(check)
            && (self.asset.is_empty() || self.asset.iter().any(|id| fits(id, asset.id.as_str())))
            && (self.zone.is_empty() || self.zone.contains(&asset.zone))
            && (self.kind.is_empty() || self.kind.contains(&asset.kind))
            && self.labels.iter().all(label)
    }
}

/// Whether a pattern with `*` fits a text as a whole.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

pub(super) fn is_cve(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, at_least: usize| {
        part.is_some_and(|part| part.len() >= at_least && part.len() <= 19 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.next() == Some("CVE") && digits(parts.next(), 4) && digits(parts.next(), 4)
}
