//! What came of one fact, as a transcript writes it.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Replayed;
use crate::model::{Answer, Cause, Missing, Reading, TextAnswer, Value, Varbind};
use crate::transport::TransportError;

/// What came of one fact.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub enum Recorded {
    /// An answer.
    Answer(Answer),
    /// The asset positively does not have it; the text says how that was shown.
    Absent(Arc<str>),
    /// No answer, and why.
    Failed(Missing),
}

impl Recorded {
    pub(super) fn from_live(came: &Result<Answer, TransportError>) -> Self {
        match came {
            Ok(answer) => Self::Answer(answer.clone()),
            Err(error) => Self::Failed(Missing::new(error.cause(), error.to_string())),
        }
    }

    pub(super) fn replay(&self) -> Replayed {
        match self {
            Self::Answer(answer) => Replayed::Answer(answer.clone()),
            Self::Absent(how) => Replayed::Reading(Reading::Absent(Arc::clone(how))),
            Self::Failed(missing) => Replayed::Reading(Reading::Missing(missing.clone())),
        }
    }
}

/// Outer: whether it is written; inner: null for a status that never came.
type WrittenExit = Option<Option<i32>>;

/// The keys of the mapping; which go together is checked afterwards, so that mistakes get a sentence.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    stdout: Option<String>,
    stderr: Option<String>,
    #[serde(deserialize_with = "given")]
    exit: WrittenExit,
    truncated: Option<bool>,
    varbinds: Option<Varbinds>,
    #[serde(deserialize_with = "given")]
    value: Option<Value>,
    error: Option<Cause>,
    detail: Option<String>,
    absent: Option<Absent>,
}

/// Tells a written null from nothing written.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Absent {
    Flag(bool),
    How(String),
}

impl TryFrom<Written> for Recorded {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { stdout, stderr, exit, truncated, varbinds, value, error, detail, absent } = written;
        let text = stdout.is_some() || stderr.is_some() || exit.is_some() || truncated.is_some();
        let kinds = [text, varbinds.is_some(), value.is_some(), error.is_some(), absent.is_some()];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Err("a fact has exactly one of: stdout (with stderr, exit, truncated), varbinds, value, error, \
                        absent"
                .into());
        }
        if detail.is_some() && error.is_none() {
            return Err("`detail` goes with `error`".into());
        }
        if let Some(cause) = error {
            let detail = detail.unwrap_or_else(|| format!("the transcript records: {cause}"));
            return Ok(Self::Failed(Missing::new(cause, detail)));
        }
        if let Some(absent) = absent {
            return match absent {
                Absent::Flag(true) => Ok(Self::Absent("the transcript records that it is absent".into())),
                Absent::Flag(false) => Err("`absent: false` says nothing; leave it out".into()),
                Absent::How(how) => Ok(Self::Absent(how.into())),
            };
        }
        Ok(Self::Answer(match (varbinds, value) {
            (Some(Varbinds(varbinds)), _) => Answer::Varbinds(varbinds),
            (_, Some(value)) => Answer::Value(value),
            _ => Answer::Text(TextAnswer {
                stdout: stdout.unwrap_or_default(),
                stderr: stderr.unwrap_or_default(),
                exit: exit.unwrap_or(Some(0)),
                truncated: truncated.unwrap_or_default(),
            }),
        }))
    }
}

/// A mapping from object identifier to value, in the order written, each once.
struct Varbinds(Vec<Varbind>);

impl<'de> Deserialize<'de> for Varbinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Varbinds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping from object identifier to value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Varbinds, A::Error> {
                let mut varbinds: Vec<Varbind> = Vec::new();
                let mut seen = std::collections::BTreeSet::new();
                while let Some((oid, value)) = map.next_entry::<String, Value>()? {
                    if oid.split('.').any(|arc| arc.parse::<u32>().is_err()) {
                        return Err(A::Error::custom(format!("{oid:?} is no object identifier (1.3.6.1.…)")));
                    }
                    if !seen.insert(oid.clone()) {
                        return Err(A::Error::custom(format!("{oid} is there twice")));
                    }
                    varbinds.push(Varbind { oid, value });
                }
                Ok(Varbinds(varbinds))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

struct AsMapping<'a>(&'a [Varbind]);

impl Serialize for AsMapping<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|varbind| (&varbind.oid, &varbind.value)))
    }
}

impl Serialize for Recorded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Answer(Answer::Text(text)) => {
                map.serialize_entry("stdout", &text.stdout)?;
                if !text.stderr.is_empty() {
                    map.serialize_entry("stderr", &text.stderr)?;
                }
                if text.exit != Some(0) {
                    map.serialize_entry("exit", &text.exit)?;
                }
                if text.truncated {
                    map.serialize_entry("truncated", &true)?;
                }
            }
            Self::Answer(Answer::Varbinds(varbinds)) => map.serialize_entry("varbinds", &AsMapping(varbinds))?,
            Self::Answer(Answer::Value(value)) => map.serialize_entry("value", value)?,
            Self::Absent(how) => map.serialize_entry("absent", how)?,
            Self::Failed(missing) => {
                map.serialize_entry("error", &missing.cause)?;
                map.serialize_entry("detail", &missing.detail)?;
            }
        }
        map.end()
    }
}
