//! What a change is measured against (check catalogue, section 1), and what a check leaves for lists.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{Params, Value};
use crate::rule::Pattern;

/// What of a check's facts is compared with an approved value, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// How two values are compared.
    pub baseline: Baseline,
    /// Path of the value, beginning with a fact.
    pub of: String,
    /// Whether an element that is gone is news, too: where the rule says "=" and not "at most".
    #[serde(default)]
    pub exact: bool,
    /// A parameter, written `params.name`: where it is not set, the approval is what the check proves, and before it nothing is.
    #[serde(default)]
    pub required_unless: Option<String>,
    /// The fields of a row that count, in the order in which a row is named by them; all where none is given.
    #[serde(default)]
    pub fields: Vec<String>,
    /// What does not count: a field of a row, or `/pattern/` over an element or a line of text.
    #[serde(default)]
    pub ignore: Vec<Mask>,
}

/// How a value is compared with the approved one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// As a set: what was added, what is missing.
    Set,
    /// As a whole, by digest.
    Hash,
    /// As a number with a threshold.
    Value,
    /// As a counter that must not grow.
    Counter,
}

/// What does not count in a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Mask {
    /// A field of that name.
    Field(String),
    /// Elements and lines that it matches.
    Pattern(Pattern),
}

/// What a check leaves for lists over the whole plant, with the path of its rows, beginning with a fact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lists {
    /// What is open by advisories: the fact `feeds.advisories` or one of its shape.
    Vulnerabilities(String),
    /// Rows with `subject`, `port` and `not_after`.
    Certificates(String),
}

impl Lists {
    /// The path.
    #[must_use]
    pub fn of(&self) -> &str {
        let (Self::Vulnerabilities(path) | Self::Certificates(path)) = self;
        path
    }
}

impl Drift {
    /// Whether a value is held against an approved one; numbers and counters are judged by the check itself.
    #[must_use]
    pub const fn is_compared(&self) -> bool {
        matches!(self.baseline, Baseline::Set | Baseline::Hash)
    }

    /// Whether nothing is proven before somebody has approved what is there.
    #[must_use]
    pub fn is_required(&self, params: &Params) -> bool {
        let named = self.required_unless.as_deref().and_then(|path| path.strip_prefix("params."));
        named.is_some_and(|name| params.get(name).is_none_or(|value| *value == Value::Null))
    }

    /// Whether a field of a row counts.
    #[must_use]
    pub fn counts(&self, field: &str) -> bool {
        (self.fields.is_empty() || self.fields.iter().any(|name| name == field)) && !self.ignores(field)
    }

    /// Whether a field is ignored wherever it stands.
    #[must_use]
    pub fn ignores(&self, field: &str) -> bool {
        self.ignore.iter().any(|mask| matches!(mask, Mask::Field(name) if name == field))
    }

    /// Whether an element or a line is left out.
    #[must_use]
    pub fn masks(&self, text: &str) -> bool {
        self.ignore.iter().any(|mask| matches!(mask, Mask::Pattern(pattern) if pattern.regex().is_match(text)))
    }
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Mask;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field, or /a pattern/")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Mask, E> {
                match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
                    Some(source) => Pattern::parse(source).map(Mask::Pattern).map_err(E::custom),
                    None if text.trim().is_empty() => Err(E::custom("an empty name masks nothing")),
                    None => Ok(Mask::Field(text.to_owned())),
                }
            }
        }
        deserializer.deserialize_str(Word)
    }
}
