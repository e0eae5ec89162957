//! Reading the files of duties: a list under one key, every mistake at its line, nothing guessed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::date;
use crate::model::document::{Data, Document, Node, Step};
use crate::model::{EntryId, Problem, Problems, Time};

/// Longest file; a statement is a few hundred bytes.
const LONGEST_FILE: u64 = 16 << 20;
/// Entries of one file.
const MOST_ENTRIES: usize = 50_000;
/// The version of these formats.
const SCHEMA: i64 = 1;

/// A file of duties, read as a tree.
pub(super) struct Page<'p> {
    pub(super) document: Document,
    problems: &'p mut Problems,
}

/// One entry of the list, with its place.
pub(super) struct Found<T> {
    pub(super) value: T,
    /// `file:line:column`.
    pub(super) declared: Arc<str>,
    path: Vec<Step>,
}

impl<'p> Page<'p> {
    /// Reads a file, a table too when its name ends in `.csv`.
    pub(super) fn load(file: &Path, key: &'static str, problems: &'p mut Problems) -> Option<Self> {
        let text = match read_text(file) {
            Ok(text) => text,
            Err(message) => {
                problems.push(Problem::new(file, message));
                return None;
            }
        };
        Self::parse(file, &text, key, problems)
    }

    /// The same for text that is there already.
    pub(super) fn parse(file: &Path, text: &str, key: &'static str, problems: &'p mut Problems) -> Option<Self> {
        if file.extension().is_some_and(|ending| ending == "csv") {
            let mut document = crate::inventory::table(file, text, problems);
            let rows = std::mem::take(&mut document.root);
            let place = rows.place.clone();
            document.root.set(&[key], rows);
            document.root.place = place;
            return Some(Self { document, problems });
        }
        let document = Document::parse(file, text, problems)?;
        let mut page = Self { document, problems };
        page.check_keys(key);
        Some(page)
    }

    fn check_keys(&mut self, key: &'static str) {
        if !matches!(self.document.root.data, Data::Map(_)) {
            let wrong = self.document.wrong(&[], format!("a map with the keys schema_version and {key} is expected"));
            self.problems.push(wrong);
            return;
        }
        match self.document.root.get("schema_version").map(|node| &node.data) {
            Some(Data::Int(SCHEMA)) => {}
            Some(_) => {
                let wrong = self.document.wrong(&["schema_version".into()], "this version is not known");
                self.problems.push(wrong.hint("this program reads schema_version: 1"));
            }
            None => {
                let wrong = self.document.wrong(&[], "key \"schema_version\" is missing");
                self.problems.push(wrong.hint("write schema_version: 1 at the top"));
            }
        }
        for entry in self.document.root.entries() {
            if entry.key != key && entry.key != "schema_version" {
                let wrong = self.document.wrong_at(&entry.place, &entry.key, format!("unknown key {:?}", entry.key));
                self.problems.push(wrong.suggest(&entry.key, [key, "schema_version"]));
            }
        }
        match self.document.root.get(key) {
            None => {
                let wrong = self.document.wrong(&[], format!("key {key:?} is missing"));
                self.problems.push(wrong.hint(format!("an empty register is written {key}: []")));
            }
            // a key with nothing behind it is one that somebody has not filled in, not a word that there is nothing
            Some(Node { data: Data::Null, .. }) => {
                let wrong = self.document.wrong(&[key.into()], "nothing is written here");
                self.problems.push(wrong.hint(format!("an empty register is written {key}: []")));
            }
            Some(node) if !matches!(node.data, Data::List(_)) => {
                let wrong = self.document.wrong(&[key.into()], "a list is expected here");
                self.problems.push(wrong.hint("begin each entry with: - id: NAME"));
            }
            Some(_) => {}
        }
    }

    /// The entries of the list; a wrong one does not hide the others.
    pub(super) fn entries<T: DeserializeOwned>(&mut self, key: &'static str) -> Vec<Found<T>> {
        let items = self.document.root.get(key).map(Node::items).unwrap_or_default();
        if items.len() > MOST_ENTRIES {
            let wrong =
                self.document.wrong(&[key.into()], format!("{} entries, more than {MOST_ENTRIES}", items.len()));
            self.problems.push(wrong);
            return Vec::new();
        }
        let mut found = Vec::new();
        for (at, item) in items {
            let path = vec![Step::from(key), Step::Index(*at)];
            if let Some(value) = self.document.read(&path, item, self.problems) {
                found.push(Found { value, declared: self.declared(&path), path });
            }
        }
        found
    }

    fn declared(&self, path: &[Step]) -> Arc<str> {
        let problem = self.document.wrong(path, "");
        let place = problem.line.zip(problem.column).map(|(line, column)| format!(":{line}:{column}"));
        format!("{}{}", problem.file.display(), place.unwrap_or_default()).into()
    }

    /// Notes a mistake at a key of an entry.
    pub(super) fn wrong<T>(&mut self, found: &Found<T>, key: &str, message: impl Into<String>, hint: &str) {
        let path: Vec<Step> = found.path.iter().cloned().chain((!key.is_empty()).then(|| key.into())).collect();
        let problem = self.document.wrong(&path, message);
        self.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    /// Notes something that the whole list lacks.
    pub(super) fn lacks(&mut self, key: &'static str, message: String) {
        let problem = self.document.wrong(&[key.into()], message);
        self.problems.push(problem);
    }

    /// Notes a second entry of one id and leaves it out; `seen` goes over all files of a register.
    pub(super) fn once<T>(
        &mut self,
        found: Vec<Found<T>>,
        seen: &mut BTreeMap<EntryId, Arc<str>>,
        id: impl Fn(&T) -> &EntryId,
    ) -> Vec<Found<T>> {
        let mut kept = Vec::with_capacity(found.len());
        for one in found {
            if let Some(first) = seen.get(id(&one.value)).cloned() {
                let message = format!("{:?} is there twice, first at {first}", id(&one.value).as_str());
                self.wrong(
                    &one,
                    "id",
                    message,
                    "entries are never changed or reused: give the new one an id of its own",
                );
            } else {
                seen.insert(id(&one.value).clone(), Arc::clone(&one.declared));
                kept.push(one);
            }
        }
        kept
    }
}

/// A mistake at `file:line:column`.
pub(super) fn problem_at(place: &str, message: impl Into<String>) -> Problem {
    let mut parts = place.rsplitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    match (number(), number(), parts.next()) {
        (Some(column), Some(line), Some(file)) => Problem::new(file, message).at(line, column),
        _ => Problem::new(place, message),
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    if !std::fs::metadata(file).map_err(failed)?.is_file() {
        return Err("this is not a regular file".into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(failed)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err("this is longer than 16 MiB".into());
    }
    String::from_utf8(bytes).map_err(|_| "this is not UTF-8 text".into())
}

/// Reads a point in time, RFC 3339 with its offset.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    date::moment(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same for where something begins: a day alone means its first instant.
pub(super) fn beginning<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    date::beginning(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same for where something ends: a day alone means the whole of it.
pub(super) fn ending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    date::ending(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The same where the key may be left out.
pub(super) fn maybe_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
}

/// One time or a list of them.
pub(super) fn times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Time>, D::Error> {
    Ok(OneOrMany::<Moment>::deserialize(deserializer)?.0.into_iter().map(|moment| moment.0).collect())
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Moment(#[serde(deserialize_with = "time")] Time);

/// Reads a day, `YYYY-MM-DD`.
pub(super) fn maybe_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    date::day(&text).map(Some).map_err(D::Error::custom)
}

/// One value or a list of them; written as a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of them")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| OneOrMany(vec![one]))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(OneOrMany::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
            }
        }
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}
