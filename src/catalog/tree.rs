//! A YAML document as a tree that knows the place of every key and value.
//!
//! Files are read into this tree once; typed values are taken from its branches one by one, so that a
//! wrong branch costs one message and not the rest of the file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::problem::{Mistake, SourceFile};
use crate::model::Value;

/// Larger files are refused; the biggest recorded transcript is far smaller.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Deeper documents are refused before they can exhaust the stack.
const MAX_DEPTH: usize = 48;

/// Where something stands in its file, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line, from 1; 0 when unknown.
    pub line: u32,
    /// Column, from 1; 0 when unknown.
    pub column: u32,
}

impl Place {
    /// The file as a whole.
    pub const NONE: Self = Self { line: 0, column: 0 };

    fn of(location: Location) -> Self {
        let clamp = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: clamp(location.line()), column: clamp(location.column()) }
    }
}

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub shape: Shape,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A scalar; `raw` is its spelling where that can differ from the value (`1.10`).
    Scalar {
        /// The value.
        value: Value,
        /// As written, for numbers and truth values without quotes.
        raw: Option<Arc<str>>,
    },
    /// A list.
    List(Vec<Node>),
    /// Named fields, in file order; keys are unique.
    Map(Vec<Entry>),
}

/// One field of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name.
    pub key: Arc<str>,
    /// Where the name stands.
    pub place: Place,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// Reads one document.
    ///
    /// # Errors
    ///
    /// The first place where the text is not YAML, repeats a key or breaks a limit; what follows cannot be trusted.
    pub fn parse(file: &SourceFile) -> Result<Self, Mistake> {
        if file.text.len() > MAX_BYTES {
            return Err(file.mistake(Place::NONE, "", format!("larger than {MAX_BYTES} bytes")));
        }
        let mut budget = serde_saphyr::Budget::default();
        budget.max_depth = MAX_DEPTH;
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false, budget: Some(budget) };
        let read: Result<Located, _> = serde_saphyr::from_str_with_options(&file.text, options);
        read.map(|located| located.settle(&file.text)).map_err(|error| {
            let place = error.location().map_or(Place::NONE, Place::of);
            file.mistake(place, "", format!("not valid YAML: {}", without_position(&error.to_string())))
        })
    }

    /// The field of that name, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// The fields; none when this is no map.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.shape {
            Shape::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements; none when this is no list.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.shape {
            Shape::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { value, .. } => value.as_text(),
            _ => None,
        }
    }

    /// Whether nothing is written here (`key:` alone, or `null`).
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self.shape, Shape::Scalar { value: Value::Null, .. })
    }

    /// What it is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.shape {
            Shape::List(_) => "a list",
            Shape::Map(_) => "a map",
            Shape::Scalar { value, .. } => match value {
                Value::Null => "nothing",
                Value::Bool(_) => "a truth value",
                Value::Int(_) | Value::Float(_) => "a number",
                _ => "text",
            },
        }
    }

    /// The value without places.
    #[must_use]
    pub fn value(&self) -> Value {
        match &self.shape {
            Shape::Scalar { value, .. } => value.clone(),
            Shape::List(items) => Value::list(items.iter().map(Self::value)),
            Shape::Map(entries) => Value::map(entries.iter().map(|entry| (&entry.key, entry.value.value()))),
        }
    }

    /// The same tree with every text `args.NAME` replaced by that argument.
    ///
    /// # Errors
    ///
    /// The first name that is no argument, with its place.
    pub fn with_arguments(&self, arguments: &BTreeMap<Arc<str>, Value>) -> Result<Self, (Place, String)> {
        let shape = match &self.shape {
            Shape::Scalar { value: Value::Text(text), .. } => match text.strip_prefix("args.") {
                Some(name) => {
                    let value = arguments.get(name).ok_or_else(|| (self.place, name.to_owned()))?;
                    return Ok(Self::from_value(value, self.place));
                }
                None => self.shape.clone(),
            },
            Shape::Scalar { .. } => self.shape.clone(),
            Shape::List(items) => {
                Shape::List(items.iter().map(|item| item.with_arguments(arguments)).collect::<Result<_, _>>()?)
            }
            Shape::Map(entries) => Shape::Map(
                entries
                    .iter()
                    .map(|entry| Ok(Entry { value: entry.value.with_arguments(arguments)?, ..entry.clone() }))
                    .collect::<Result<_, (Place, String)>>()?,
            ),
        };
        Ok(Self { place: self.place, shape })
    }

    /// A tree that stands at one place as a whole.
    #[must_use]
    pub fn from_value(value: &Value, place: Place) -> Self {
        let shape = match value {
            Value::List(items) => Shape::List(items.iter().map(|item| Self::from_value(item, place)).collect()),
            Value::Map(fields) => {
                let entry = |(key, value): (&Arc<str>, &Value)| Entry {
                    key: key.clone(),
                    place,
                    value: Self::from_value(value, place),
                };
                Shape::Map(fields.iter().map(entry).collect())
            }
            scalar => Shape::Scalar { value: scalar.clone(), raw: None },
        };
        Self { place, shape }
    }
}

/// The message of the YAML reader without its own way of naming the place.
fn without_position(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let end = [" at line ", " (line "].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
    line[..end].trim_end_matches([':', ',', ' ']).to_owned()
}

/// A node as the YAML reader hands it over.
struct Located {
    referenced: Location,
    defined: Location,
    shape: LocatedShape,
}

enum LocatedShape {
    Scalar(Value),
    List(Vec<Located>),
    Map(Vec<(Spanned<String>, Located)>),
}

impl Located {
    /// Adds the spelling of numbers and truth values, from the text they were read from.
    fn settle(self, text: &str) -> Node {
        let place = Place::of(self.referenced);
        let shape = match self.shape {
            LocatedShape::Scalar(value) => {
                let spelled = matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_));
                let raw = spelled.then(|| spelling(text, self.defined)).flatten();
                Shape::Scalar { value, raw }
            }
            LocatedShape::List(items) => Shape::List(items.into_iter().map(|item| item.settle(text)).collect()),
            LocatedShape::Map(fields) => {
                let entry = |(key, value): (Spanned<String>, Located)| Entry {
                    place: Place::of(key.referenced),
                    key: Arc::from(key.value),
                    value: value.settle(text),
                };
                Shape::Map(fields.into_iter().map(entry).collect())
            }
        };
        Node { place, shape }
    }
}

fn spelling(text: &str, location: Location) -> Option<Arc<str>> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    text.get(start..start.checked_add(length)?).map(|raw| Arc::from(raw.trim()))
}

impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined } = Spanned::<LocatedShape>::deserialize(deserializer)?;
        Ok(Self { referenced, defined, shape: value })
    }
}

impl<'de> Deserialize<'de> for LocatedShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = LocatedShape;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<LocatedShape, E> {
                Ok(LocatedShape::Scalar(Value::Null))
            }
            fn visit_bool<E>(self, truth: bool) -> Result<LocatedShape, E> {
                Ok(LocatedShape::Scalar(Value::Bool(truth)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<LocatedShape, E> {
                Ok(LocatedShape::Scalar(Value::Int(number)))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<LocatedShape, E> {
                let number = i64::try_from(number).map_err(|_| E::custom("number too large, put it in quotes"))?;
                Ok(LocatedShape::Scalar(Value::Int(number)))
            }
            fn visit_f64<E>(self, number: f64) -> Result<LocatedShape, E> {
                Ok(LocatedShape::Scalar(Value::Float(number)))
            }
            fn visit_str<E>(self, text: &str) -> Result<LocatedShape, E> {
                Ok(LocatedShape::Scalar(Value::text(text)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LocatedShape, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(LocatedShape::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LocatedShape, A::Error> {
                let mut fields: Vec<(Spanned<String>, Located)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<Spanned<String>, Located>()? {
                    if fields.iter().any(|(other, _)| other.value == key.value) {
                        return Err(A::Error::custom(format!("key {:?} is given twice", key.value)));
                    }
                    fields.push((key, value));
                }
                Ok(LocatedShape::Map(fields))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Node {
        Node::parse(&SourceFile::new("t.yaml", text)).unwrap()
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let node = parse("a: 1\nb:\n  - x\n  - { c: no }\n");
        assert_eq!(node.entries()[1].place, Place { line: 2, column: 1 });
        let inner = &node.get("b").unwrap().items()[1];
        assert_eq!(inner.entries()[0].place, Place { line: 4, column: 7 });
        assert_eq!(inner.get("c").unwrap().place, Place { line: 4, column: 10 });
        assert_eq!(inner.get("c").unwrap().as_text(), Some("no"), "only true and false are truth values");
    }

    #[test]
    fn a_number_keeps_its_spelling() {
        let node = parse("version: 1.10\nflag: true\n");
        assert_eq!(
            node.get("version").unwrap().shape,
            Shape::Scalar { value: Value::Float(1.1), raw: Some("1.10".into()) }
        );
    }

    #[test]
    fn broken_yaml_and_repeated_keys_are_refused_at_their_line() {
        for (text, line) in [("a: [1, 2\nb: 3\n", 2), ("a: 1\na: 2\n", 2), ("a: 1\n\tb: 2\n", 2)] {
            let mistake = Node::parse(&SourceFile::new("t.yaml", text)).unwrap_err();
            assert!(mistake.line >= line, "{mistake}");
            assert!(mistake.message.starts_with("not valid YAML"), "{mistake}");
        }
    }

    #[test]
    fn a_deep_document_is_refused_not_followed() {
        let text = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(Node::parse(&SourceFile::new("t.yaml", text)).is_err());
    }

    #[test]
    fn arguments_replace_whole_texts_only() {
        let node = parse("ports: args.ports\ntext: see args.ports\n");
        let arguments = BTreeMap::from([(Arc::from("ports"), Value::list([Value::Int(22)]))]);
        let bound = node.with_arguments(&arguments).unwrap();
        assert_eq!(bound.get("ports").unwrap().value(), Value::list([Value::Int(22)]));
        assert_eq!(bound.get("text").unwrap().as_text(), Some("see args.ports"));
        assert_eq!(node.with_arguments(&BTreeMap::new()).unwrap_err().1, "ports");
    }
}
