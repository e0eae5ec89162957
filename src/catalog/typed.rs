//! Typed values from the branches of a [`Node`]: serde, with the place of each mistake.

use std::fmt::{self, Display};

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::problem::{Mistake, SourceFile, suggestion};
use super::tree::{Entry, Node, Place, Shape};
use crate::model::Value;

/// Why a branch is not of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    place: Option<Place>,
    /// Keys from the inside out.
    path: Vec<String>,
    message: String,
    hint: Option<String>,
}

impl ReadError {
    fn new(message: impl Into<String>) -> Self {
        Self { place: None, path: Vec::new(), message: message.into(), hint: None }
    }

    /// Remembers the innermost place only.
    fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    fn under(mut self, key: impl Into<String>) -> Self {
        self.path.push(key.into());
        self
    }

    /// The same as a mistake of a file, its key below `key`.
    #[must_use]
    pub fn mistake(self, file: &SourceFile, key: &str) -> Mistake {
        let place = self.place.unwrap_or(Place::NONE);
        let mut path = key.to_owned();
        for part in self.path.iter().rev() {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        let mistake = file.mistake(place, path, self.message);
        match self.hint {
            Some(hint) => mistake.hint(hint),
            None => mistake,
        }
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        // serde's buffered forms (flatten, untagged) end up here with the text of an unknown field
        Self { hint: buffered_hint(&message), ..Self::new(message) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            hint: suggestion(field, expected.iter().copied()),
            ..Self::new(format!("unknown key {}", quoted(field)))
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            hint: suggestion(variant, expected.iter().copied()),
            ..Self::new(format!("unknown word {}", quoted(variant)))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("key `{field}` is missing"))
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", found(&unexpected)))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", found(&unexpected)))
    }
}

fn quoted(word: &str) -> String {
    let short: String = word.chars().take(60).collect();
    format!("`{short}`")
}

fn found(unexpected: &de::Unexpected<'_>) -> String {
    match unexpected {
        de::Unexpected::Str(text) => format!("the text {}", quoted(text)),
        de::Unexpected::Signed(number) => format!("the number {number}"),
        de::Unexpected::Float(number) => format!("the number {number}"),
        de::Unexpected::Bool(truth) => format!("the truth value {truth}"),
        de::Unexpected::Unit => "nothing".into(),
        de::Unexpected::Seq => "a list".into(),
        de::Unexpected::Map => "a map".into(),
        other => other.to_string(),
    }
}

/// The list of right names, out of a message "unknown field `x`, expected one of `a`, `b`".
fn buffered_hint(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut words = rest.split('`').skip(1).step_by(2);
    let wrong = words.next()?;
    suggestion(wrong, words)
}

impl Node {
    /// Reads this branch as `T`.
    ///
    /// # Errors
    ///
    /// The first thing that does not fit, with its place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        T::deserialize(self)
    }
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.shape {
            Shape::Scalar { value, .. } => match value {
                Value::Null => visitor.visit_unit(),
                Value::Bool(truth) => visitor.visit_bool(*truth),
                Value::Int(number) => visitor.visit_i64(*number),
                Value::Float(number) => visitor.visit_f64(*number),
                Value::Text(text) => visitor.visit_borrowed_str(text),
                Value::List(_) | Value::Map(_) => Err(ReadError::new("a scalar holds a collection")),
            },
            Shape::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Shape::Map(entries) => visitor.visit_map(Fields { entries, current: None }),
        };
        result.map_err(|error| error.at(self.place))
    }

    /// A number or truth value without quotes is taken as it was spelled, so that 1.10 does not become 1.1.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.shape {
            Shape::Scalar { raw: Some(raw), .. } => visitor.visit_borrowed_str(raw).map_err(|error: ReadError| error.at(self.place)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) };
        result.map_err(|error| error.at(self.place))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self).map_err(|error| error.at(self.place))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match &self.shape {
            Shape::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant { entry }),
                _ => Err(ReadError::new(format!("expected exactly one key, found {}", entries.len()))),
            },
            _ => match self.as_text() {
                Some(word) => visitor.visit_enum(IntoDeserializer::<ReadError>::into_deserializer(word)),
                None => Err(ReadError::new(format!("expected a word or a map with one key, found {}", self.kind()))),
            },
        };
        result.map_err(|error| error.at(self.place))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct ignored_any
    }
}

struct Items<'de> {
    items: &'de [Node],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let at = self.next;
        let Some(item) = self.items.get(at) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.at(item.place).under(format!("[{at}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

struct Fields<'de> {
    entries: &'de [Entry],
    current: Option<&'de Entry>,
}

impl<'de> de::MapAccess<'de> for Fields<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((entry, rest)) = self.entries.split_first() else { return Ok(None) };
        self.entries = rest;
        self.current = Some(entry);
        let key = de::value::BorrowedStrDeserializer::new(&entry.key);
        seed.deserialize(key).map(Some).map_err(|error: ReadError| error.at(entry.place).under(&*entry.key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let entry = self.current.take().ok_or_else(|| ReadError::new("a value was asked for before its key"))?;
        seed.deserialize(&entry.value).map_err(|error| error.at(entry.value.place).under(&*entry.key))
    }
}

struct Variant<'de> {
    entry: &'de Entry,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), ReadError> {
        let key = de::value::BorrowedStrDeserializer::new(&self.entry.key);
        let variant = seed.deserialize(key).map_err(|error: ReadError| error.at(self.entry.place))?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        let inside = &self.entry.value;
        if inside.is_null() || matches!(&inside.shape, Shape::Map(entries) if entries.is_empty()) {
            return Ok(());
        }
        Err(ReadError::new("takes no settings").at(inside.place).under(&*self.entry.key))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(&self.entry.value).map_err(|error| error.at(self.entry.value.place).under(&*self.entry.key))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, ReadError> {
        de::Deserializer::deserialize_any(&self.entry.value, visitor).map_err(|error| error.under(&*self.entry.key))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        de::Deserializer::deserialize_any(&self.entry.value, visitor).map_err(|error| error.under(&*self.entry.key))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum How {
        Ssh(Run),
        Nothing,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Run {
        run: String,
        #[serde(default)]
        ports: Vec<u16>,
        #[serde(default, with = "humantime_serde")]
        timeout: Option<std::time::Duration>,
    }

    fn read(text: &str) -> Result<How, String> {
        let file = SourceFile::new("t.yaml", text);
        let node = Node::parse(&file).unwrap();
        node.read().map_err(|error: ReadError| error.mistake(&file, "ask").to_string())
    }

    #[test]
    fn types_are_read_as_if_from_the_text() {
        let run = Run { run: "1.10".into(), ports: vec![22], timeout: Some(std::time::Duration::from_secs(20)) };
        assert_eq!(read("ssh: { run: 1.10, ports: [22], timeout: 20s }"), Ok(How::Ssh(run)));
        assert_eq!(read("nothing"), Ok(How::Nothing));
    }

    #[test]
    fn a_wrong_branch_is_named_with_place_and_key() {
        insta::assert_snapshot!(read("ssh:\n  run: x\n  ports: [22, 70000]\n").unwrap_err(), @r"
        t.yaml:3:15: ask.ssh.ports[1]: expected u16, found the number 70000
            |
          3 |   ports: [22, 70000]
            |               ^
        ");
        insta::assert_snapshot!(read("ssh:\n  runn: x\n").unwrap_err(), @r"
        t.yaml:2:3: ask.ssh.runn: unknown key `runn`
            |
          2 |   runn: x
            |   ^
          help: did you mean `run`?
        ");
        insta::assert_snapshot!(read("shs: { run: x }").unwrap_err(), @r"
        t.yaml:1:1: ask: unknown word `shs`
            |
          1 | shs: { run: x }
            | ^
          help: did you mean `ssh`?
        ");
    }
}
