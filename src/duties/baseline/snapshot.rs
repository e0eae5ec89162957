//! What is kept of a value: digests, and names for its parts.
//!
//! Names are those of elements (`0.0.0.0 22`) or of fields (`rules line 12`), bounded and without control characters. Of a
//! value that is compared as a whole no text is kept, for it may be a configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::catalog::{Baseline, Drift};
use crate::model::Value;
use crate::store::Digest;

/// Most parts that are kept with a name; a value with more is compared as a whole.
const MOST_PARTS: usize = 1_000;
/// Longest name of a part, in characters.
const LONGEST_NAME: usize = 120;
/// Fields by which a row is known, where the check names none, the first that it has.
const NAMES: [&str; 9] = ["name", "id", "guid", "user", "file", "path", "source", "unit", "key"];
/// Hexadecimal characters of the digest of a part.
const PART: usize = 16;
/// The same of a line: enough to tell lines apart, too few to find out by trial what a line says.
const LINE: usize = 6;

/// A value as it is kept and compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Digest of what the check compares; two snapshots of different forms say nothing about each other.
    pub form: String,
    /// Whether it is a set; else it is compared as a whole.
    pub set: bool,
    /// SHA-256 of the canonical JSON, without what the check ignores.
    pub sha256: String,
    /// How many elements or fields there are.
    pub count: usize,
    /// Digests by name, empty when there are too many.
    pub parts: BTreeMap<String, String>,
}

impl Snapshot {
    /// Takes a value as a check compares it; a value that is positively not there is the empty set, or nothing.
    #[must_use]
    pub fn of(drift: &Drift, value: &Value) -> Self {
        match drift.baseline {
            Baseline::Set => Self::of_set(drift, value),
            Baseline::Hash | Baseline::Value | Baseline::Counter => Self::of_whole(drift, value),
        }
    }

    fn of_set(drift: &Drift, value: &Value) -> Self {
        let elements: BTreeMap<String, String> = elements(drift, value).into_iter().collect();
        let count = elements.len();
        let texts: Vec<&str> = elements.keys().map(String::as_str).collect();
        let sha256 = hex(texts.join(",").as_bytes(), 64);
        let parts = if count > MOST_PARTS { BTreeMap::new() } else { named(elements) };
        Self { form: form(drift), set: true, sha256, count, parts }
    }

    fn of_whole(drift: &Drift, value: &Value) -> Self {
        let value = pruned(drift, value);
        let mut parts = BTreeMap::new();
        fields(drift, String::new(), &value, &mut parts);
        let count = parts.len();
        if count > MOST_PARTS {
            parts.clear();
        }
        Self { form: form(drift), set: false, sha256: hex(json(&value).as_bytes(), 64), count, parts }
    }

    /// The snapshot as the store keeps it.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether there were too many parts to keep them.
    #[must_use]
    pub fn is_whole_only(&self) -> bool {
        self.count > self.parts.len()
    }
}

/// The elements of a set: canonical JSON and name.
fn elements(drift: &Drift, value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut add = |field: Option<&str>, item: &Value| {
        let item = pruned(drift, item);
        let name =
            field.map_or_else(|| name(drift, &item), |field| bounded(&format!("{field} {}", name(drift, &item))));
        if !drift.masks(&name) {
            let text = json(&item);
            found.push((field.map_or(text.clone(), |field| format!("{}:{text}", json(&Value::text(field)))), name));
        }
    };
    match value {
        Value::Null => {}
        Value::List(items) => items.iter().for_each(|item| add(None, item)),
        // each field of a map is a set of its own
        Value::Map(map) => map.iter().filter(|(field, _)| drift.counts(field)).for_each(|(field, value)| match value {
            Value::Null => {}
            Value::List(items) => items.iter().for_each(|item| add(Some(field), item)),
            other => add(Some(field), other),
        }),
        other => add(None, other),
    }
    found
}

/// Names are unique: two elements that look alike once cut are told apart by their digest.
fn named(elements: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    for (text, name) in elements {
        let digest = hex(text.as_bytes(), PART);
        let name = if parts.contains_key(&name) { format!("{name} #{}", &digest[..6]) } else { name };
        parts.insert(name, digest);
    }
    parts
}

/// A value without the fields and the lines that do not count.
fn pruned(drift: &Drift, value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(field, _)| drift.counts(field));
            Value::map(kept.map(|(field, value)| (field, without_lines(drift, value))))
        }
        Value::List(items) => {
            let kept = items.iter().map(|item| pruned(drift, item)).filter(|item| !drift.masks(&name(drift, item)));
            Value::list(kept)
        }
        other => without_lines(drift, other),
    }
}

/// `fields` of a check speak of rows and not of what lies deeper in them.
fn without_lines(drift: &Drift, value: &Value) -> Value {
    match value {
        Value::Text(text) if text.contains('\n') => {
            let kept: Vec<&str> = text.lines().filter(|line| !drift.masks(line)).collect();
            Value::text(kept.join("\n"))
        }
        Value::List(items) => {
            Value::list(items.iter().filter(|item| !drift.masks(&name(drift, item))).map(|item| unmasked(drift, item)))
        }
        other => unmasked(drift, other),
    }
}

/// Fields that are ignored count nowhere.
fn unmasked(drift: &Drift, value: &Value) -> Value {
    let Value::Map(map) = value else { return value.clone() };
    let kept = map.iter().filter(|(field, _)| !drift.ignores(field));
    Value::map(kept.map(|(field, value)| (field, value.clone())))
}

/// How a person knows an element: by the fields that count, in their order, else by all of them.
fn name(drift: &Drift, item: &Value) -> String {
    let Value::Map(map) = item else { return bounded(&item.to_string()) };
    let named: Vec<String> =
        drift.fields.iter().filter_map(|field| map.get(field.as_str())).map(Value::to_string).collect();
    if !named.is_empty() {
        return bounded(&named.join(" "));
    }
    let all: Vec<String> = map.iter().map(|(field, value)| format!("{field}={value}")).collect();
    bounded(&all.join(" "))
}

/// Digests of the fields of a value, each under its path.
fn fields(drift: &Drift, path: String, value: &Value, parts: &mut BTreeMap<String, String>) {
    // one more than are kept shows that there are too many
    if parts.len() > MOST_PARTS {
        return;
    }
    let below = |name: &str| bounded(&if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") });
    match value {
        Value::Map(map) => map.iter().for_each(|(field, value)| fields(drift, below(field), value, parts)),
        Value::List(items) if items.iter().any(|item| item.as_map().is_some()) => {
            let mut seen = BTreeSet::new();
            for (at, item) in (1..).zip(items.iter()) {
                let name = row_name(drift, item).filter(|name| seen.insert(name.clone()));
                fields(drift, below(&name.unwrap_or_else(|| format!("row {at}"))), item, parts);
            }
        }
        Value::Text(text) if text.contains('\n') => {
            for (at, line) in (1..).zip(text.lines().take(MOST_PARTS + 1)) {
                parts.insert(format!("{path} line {at:05}"), hex(line.as_bytes(), LINE));
            }
        }
        other => {
            let name = if path.is_empty() { "value".to_owned() } else { path };
            parts.insert(name, hex(json(other).as_bytes(), PART));
        }
    }
}

fn row_name(drift: &Drift, item: &Value) -> Option<String> {
    let map = item.as_map()?;
    let known = drift.fields.iter().map(String::as_str).chain(NAMES);
    let value = known.filter_map(|name| map.get(name)).find(|value| matches!(value, Value::Text(_) | Value::Int(_)))?;
    Some(bounded(&value.to_string()))
}

/// What is compared, as a digest: after an update of the catalogue an approval of another form proves nothing.
fn form(drift: &Drift) -> String {
    let Drift { baseline, of, exact: _, required_unless: _, fields, ignore } = drift;
    hex(format!("{baseline:?} {of} {fields:?} {ignore:?}").as_bytes(), 12)
}

/// Keys of a map are ordered, so equal values give equal texts.
fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The first characters of a SHA-256 in hexadecimal.
fn hex(bytes: &[u8], characters: usize) -> String {
    let mut text = Digest::of(bytes).to_string();
    text.truncate(characters);
    text
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST_NAME).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
