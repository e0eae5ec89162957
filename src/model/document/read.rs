//! From tree to typed values, with every mistake at its place.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Data, Document, Entry, Node, Place, Step, path_text};
use crate::model::{Problem, did_you_mean};

/// Mistakes reported for one value; a file with more is of another kind.
const MOST_MISTAKES: usize = 50;

/// Reads `T`, or what is left of it. After a mistake the value that caused it is taken away and reading starts again, so that the next
/// mistake comes to light; what only follows from the taking away is not reported.
pub(super) fn read<T: DeserializeOwned>(node: &Node, mut report: impl FnMut(ReadError)) -> Option<T> {
    let mut node = Cow::Borrowed(node);
    let mut removed: Vec<Vec<Step>> = Vec::new();
    for _ in 0..MOST_MISTAKES {
        let mut error = match T::deserialize(Reader(&node)) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        error.path.reverse();
        let path = error.path.clone();
        if let (None, Some(culprit)) = (&error.place, node.at(&path)) {
            // a conversion that stands around the value knows no place
            error.place = Some(culprit.place.clone());
        }
        if !removed.iter().any(|gone| gone.starts_with(&error.full_path())) {
            report(error);
        }
        if path.is_empty() || !node.to_mut().remove(&path) {
            return None;
        }
        removed.push(path);
    }
    None
}

/// One mistake.
#[derive(Debug)]
pub(super) struct ReadError {
    place: Option<Place>,
    /// From the value itself up to the root while it travels, turned round at the end.
    path: Vec<Step>,
    message: String,
    hint: Option<String>,
    missing: Option<&'static str>,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self { place: None, path: Vec::new(), message, hint: None, missing: None }
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn under(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// The path of what the mistake is about: of the missing key, not of the map that misses it.
    fn full_path(&self) -> Vec<Step> {
        let missing = self.missing.map(|field| Step::Key(field.to_owned()));
        self.path.iter().cloned().chain(missing).collect()
    }

    pub(super) fn into_problem(self, document: &Document, prefix: &[Step]) -> Problem {
        let path: Vec<Step> = prefix.iter().chain(&self.path).cloned().collect();
        let problem = document.wrong_at(&self.place.unwrap_or_default(), &path_text(&path), self.message);
        match self.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// What a reader expects, in the words of the files rather than of Rust.
fn expected(words: &dyn Expected) -> String {
    let words = words.to_string();
    match words.as_str() {
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" | "u64" | "usize" => "a whole number, 0 or more".into(),
        "a string" => "text".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "keys with values".into(),
        "a duration" => "a time such as 30s, 5m or 6h".into(),
        other if other.starts_with("struct ") || other.starts_with("map ") => "keys with values".into(),
        other if other.starts_with("enum ") => "one word, or one key with a value".into(),
        other => other.to_owned(),
    }
}

/// Names the kind of what was found; never its text, which may be a secret.
fn found(unexpected: &Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(truth) => format!("{truth}"),
        Unexpected::Unsigned(number) => format!("{number}"),
        Unexpected::Signed(number) => format!("{number}"),
        Unexpected::Float(number) => format!("{number}"),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "keys with values".into(),
        _ => "text".into(),
    }
}

fn one_of(known: &[&str]) -> String {
    format!("known: {}", known.join(", "))
}

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
    fn invalid_type(unexpected: Unexpected<'_>, words: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {}", expected(words), found(&unexpected)))
    }
    fn invalid_value(unexpected: Unexpected<'_>, words: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, words)
    }
    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        let close = did_you_mean(variant, known.iter().copied()).map(|close| format!("did you mean {close:?}?"));
        Self::new(format!("{variant:?} is not known here")).hint(close.or_else(|| Some(one_of(known))))
    }
    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let close = did_you_mean(field, known.iter().copied()).map(|close| format!("did you mean {close:?}?"));
        Self::new(format!("unknown key {field:?}")).hint(close.or_else(|| Some(one_of(known))))
    }
    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new(format!("key {field:?} is missing")) }
    }
    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("key {field:?} is given twice (another spelling of it counts)"))
    }
}

struct KeyedValues<'de> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for KeyedValues<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.current = Some(entry);
        seed.deserialize(BorrowedStrDeserializer::new(&entry.key))
            .map(Some)
            .map_err(|error: ReadError| error.at(&entry.place).under(Step::Key(entry.key.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let entry = self.current.ok_or_else(|| ReadError::new("a value without a key".into()))?;
        seed.deserialize(Reader(&entry.node))
            .map_err(|error| error.at(&entry.node.place).under(Step::Key(entry.key.clone())))
    }
}

struct Elements<'de>(std::slice::Iter<'de, (usize, Node)>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self.0.next() else { return Ok(None) };
        let place = |error: ReadError| error.at(&node.place).under(Step::Index(*index));
        seed.deserialize(Reader(node)).map(Some).map_err(place)
    }
}

/// One key with its value, as the variant of an enum.
struct Variant<'de>(&'de Entry);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let key = BorrowedStrDeserializer::<ReadError>::new(&self.0.key);
        let place = |error: ReadError| error.at(&self.0.place).under(Step::Key(self.0.key.clone()));
        Ok((seed.deserialize(key).map_err(place)?, self))
    }
}

impl Variant<'_> {
    fn place<T>(&self, read: Result<T, ReadError>) -> Result<T, ReadError> {
        read.map_err(|error| error.at(&self.0.node.place).under(Step::Key(self.0.key.clone())))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        self.place(de::Deserialize::deserialize(Reader(&self.0.node)))
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        self.place(seed.deserialize(Reader(&self.0.node)))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.place(de::Deserializer::deserialize_seq(Reader(&self.0.node), visitor))
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ReadError> {
        self.place(de::Deserializer::deserialize_map(Reader(&self.0.node), visitor))
    }
}

/// A node on its way to serde.
#[derive(Clone, Copy)]
struct Reader<'de>(&'de Node);

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match &self.0.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(truth) => visitor.visit_bool(*truth),
            Data::Int(number) => visitor.visit_i64(*number),
            Data::Float(number) => visitor.visit_f64(*number),
            Data::Text(text) => visitor.visit_borrowed_str(text),
            Data::List(items) => visitor.visit_seq(Elements(items.iter())),
            Data::Map(entries) => visitor.visit_map(KeyedValues { entries: entries.iter(), current: None }),
        };
        read.map_err(|error| error.at(&self.0.place))
    }

    /// Text is taken as written: `2.10` stays `2.10` and `no` stays `no`.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.raw {
            Some(raw) => visitor.visit_borrowed_str(raw).map_err(|error: ReadError| error.at(&self.0.place)),
            None => self.deserialize_any(visitor),
        }
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    /// A key without a value is a map without entries.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.data {
            Data::Null => visitor
                .visit_map(KeyedValues { entries: [].iter(), current: None })
                .map_err(|error| error.at(&self.0.place)),
            _ => self.deserialize_any(visitor),
        }
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let read = match (&self.0.data, self.0.as_text()) {
            (Data::Map(entries), _) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant(entry)),
                _ => Err(ReadError::new("exactly one key is expected here".into()).hint(Some(one_of(known)))),
            },
            (_, Some(word)) => visitor.visit_enum(BorrowedStrDeserializer::new(word)),
            _ => {
                Err(ReadError::new("a word or one key with a value is expected here".into()).hint(Some(one_of(known))))
            }
        };
        read.map_err(|error| error.at(&self.0.place))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct ignored_any
    }
}
