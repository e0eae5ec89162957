//! Facts: the typed answers of assets, and the reasons why there is none.
//!
//! Absent is not empty, and missing is neither: a [`Reading`] keeps the three apart, so that no
//! later step can take silence for good news.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Cause;

/// A value that an asset reported or an operator configured; cheap to clone.
///
/// Integers are signed 64-bit throughout; numbers beyond that become [`Value::Float`].
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Positively nothing.
    #[default]
    Null,
    /// Truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// A list, or the rows of a table.
    List(Arc<Vec<Value>>),
    /// Named fields.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
}

/// The parameters of one check, by name.
pub type Params = Arc<BTreeMap<Arc<str>, Value>>;

impl Value {
    /// Wraps text.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    /// Wraps a list.
    #[must_use]
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// Wraps named fields.
    #[must_use]
    pub fn map<K: AsRef<str>>(fields: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(Arc::new(fields.into_iter().map(|(key, value)| (Arc::from(key.as_ref()), value)).collect()))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The named fields, if it has any.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<Arc<str>, Value>> {
        match self {
            Self::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// One field of a map.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.as_map()?.get(field)
    }

    /// Follows a dotted path through maps; the empty path is the value itself.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        if path.is_empty() {
            return Some(self);
        }
        if let Some(whole) = self.get(path) {
            return Some(whole);
        }
        let (head, rest) = path.split_once('.')?;
        self.get(head)?.at(rest)
    }

    /// The same value for JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Int(i64::from(number))
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// Short form for people: text without quotes, lists in brackets.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            // two places are enough for people; the value itself is in the evidence
            Self::Float(number) if number.abs() >= 0.01 => {
                let text = format!("{number:.2}");
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Map(fields) => {
                f.write_str("{")?;
                for (at, (key, value)) in fields.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Map(fields) => fields.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
                Value::deserialize(deserializer)
            }
            fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
                Ok(Value::Bool(truth))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Int(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                #[expect(clippy::cast_precision_loss, reason = "documented: beyond i64 a number becomes a float")]
                Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Float(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(Arc::new(items)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    fields.insert(Arc::from(key), value);
                }
                Ok(Value::Map(Arc::new(fields)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Why a fact is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The word for labels.
    pub cause: Cause,
    /// One line for a person: what happened and what to do about it; bounded, without secrets.
    pub detail: String,
}

impl Missing {
    /// Builds one.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }
}

/// What came of one fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// The asset answered and the answer was read.
    Known(Value),
    /// The asset positively does not have this (no such file, no such object); the text says how that was shown.
    Absent(Arc<str>),
    /// Nothing can be said.
    Missing(Missing),
}

impl Reading {
    /// A missing fact with its cause.
    pub fn missing(cause: Cause, detail: impl Into<String>) -> Self {
        Self::Missing(Missing::new(cause, detail))
    }

    /// The value, if known.
    #[must_use]
    pub const fn known(&self) -> Option<&Value> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// What a transport brought back for one question, before it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Output of a command.
    Text(TextAnswer),
    /// SNMP objects, in the order of the answer.
    Varbinds(Vec<Varbind>),
    /// What a probe measured, already typed by it.
    Value(Value),
}

/// Output of a command, as far as it was let through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextAnswer {
    /// Standard output; invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error; invalid UTF-8 replaced.
    pub stderr: String,
    /// The exit status; `None` when it never came (which is not 0).
    pub exit: Option<i32>,
    /// Whether output was cut at its cap.
    pub truncated: bool,
}

/// One SNMP object and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Varbind {
    /// Dotted object identifier without a leading dot.
    pub oid: String,
    /// Its value: integers, counters and ticks as numbers, octet strings as text (hex `0x…` when not printable),
    /// object identifiers as dotted text, noSuchObject, noSuchInstance and endOfMibView as null.
    pub value: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_json_with_signed_integers() {
        let text = r#"{"a":[1,-2,2.5,"x",true,null]}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value.at("a").unwrap().as_list().unwrap()[0], Value::Int(1));
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
    }

    #[test]
    fn a_path_prefers_the_whole_key() {
        let value = Value::map([("net.ipv4", Value::Int(1)), ("a", Value::map([("b", Value::Int(2))]))]);
        assert_eq!(value.at("net.ipv4"), Some(&Value::Int(1)));
        assert_eq!(value.at("a.b"), Some(&Value::Int(2)));
        assert_eq!(value.at("a.c"), None);
    }
}
