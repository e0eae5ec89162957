//! A YAML or JSON file as a tree that knows where everything stands in the text.
//!
//! Typed values are read from the tree with [`Document::read`], which reports every mistake it can find,
//! each at its line and column; serde alone stops at the first one and forgets the place.

mod build;
mod read;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Problem, Problems};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// In the text of the file; both counted from 1.
    Text {
        /// Line.
        line: usize,
        /// Column, in characters.
        column: usize,
    },
    /// In an environment variable.
    Variable(Arc<str>),
    /// On the command line.
    Flag,
    /// Nowhere: a default.
    #[default]
    Nowhere,
}

/// One value and its place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub data: Data,
    /// The text as written, where that is more than the value tells (`2.10`, `007`, `no`).
    raw: Option<Box<str>>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Data {
    /// Nothing.
    #[default]
    Null,
    /// Truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list; each element with the index it was written at.
    List(Vec<(usize, Node)>),
    /// Named values in the order of the text.
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub node: Node,
}

/// One step from a node to a value below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an element.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}
impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Writes a path as a person would: `zones[1].role`.
#[must_use]
pub fn path_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => write!(text, "[{index}]").unwrap_or_default(),
        }
    }
    text
}

impl Node {
    /// A value without a place of its own in a text.
    #[must_use]
    pub fn new(place: Place, data: Data) -> Self {
        Self { place, data, raw: None }
    }

    /// A plain scalar as YAML would read it: `true`, numbers, else text.
    #[must_use]
    pub fn scalar(place: Place, text: &str) -> Self {
        let data = match text {
            "" | "~" | "null" => Data::Null,
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            _ if looks_numeric(text) => {
                let float = || text.parse().map(Data::Float);
                text.parse().map(Data::Int).or_else(|_| float()).unwrap_or_else(|_| Data::Text(text.to_owned()))
            }
            _ => Data::Text(text.to_owned()),
        };
        let raw = (!matches!(data, Data::Text(_))).then(|| text.into());
        Self { place, data, raw }
    }

    /// Keeps the text as written beside the value.
    #[must_use]
    pub fn with_raw(mut self, raw: &str) -> Self {
        self.raw = Some(raw.into());
        self
    }

    /// The entries of a map; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[(usize, Node)] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// Takes the elements out of a list; none for anything else.
    pub fn take_items(&mut self) -> Vec<(usize, Self)> {
        match &mut self.data {
            Data::List(items) => std::mem::take(items),
            _ => Vec::new(),
        }
    }

    /// Whether it is a list, or nothing at all.
    #[must_use]
    pub const fn is_list_or_null(&self) -> bool {
        matches!(self.data, Data::List(_) | Data::Null)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The text of a scalar, as written.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => self.raw.as_deref(),
        }
    }

    /// Follows a path.
    #[must_use]
    pub fn at(&self, path: &[Step]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match first {
            Step::Key(key) => self.get(key)?.at(rest),
            Step::Index(index) => self.items().iter().find(|(at, _)| at == index)?.1.at(rest),
        }
    }

    /// Adds or replaces the value at a path of keys, making maps on the way.
    pub fn set(&mut self, keys: &[&str], node: Self) {
        let Some((first, rest)) = keys.split_first() else {
            *self = node;
            return;
        };
        if !matches!(self.data, Data::Map(_)) {
            self.data = Data::Map(Vec::new());
        }
        let Data::Map(entries) = &mut self.data else { return };
        if !entries.iter().any(|entry| entry.key == *first) {
            let place = node.place.clone();
            let value = Self { place: place.clone(), ..Self::default() };
            entries.push(Entry { key: (*first).to_owned(), place, node: value });
        }
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *first) {
            entry.node.set(rest, node);
        }
    }

    /// Takes the entry or element at a path away; false when there is none.
    fn remove(&mut self, path: &[Step]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match (&mut self.data, first) {
            (Data::Map(entries), Step::Key(key)) => {
                let Some(at) = entries.iter().position(|entry| entry.key == *key) else { return false };
                if rest.is_empty() {
                    entries.remove(at);
                    return true;
                }
                entries[at].node.remove(rest)
            }
            (Data::List(items), Step::Index(index)) => {
                let Some(at) = items.iter().position(|(at, _)| at == index) else { return false };
                if rest.is_empty() {
                    items.remove(at);
                    return true;
                }
                items[at].1.remove(rest)
            }
            _ => false,
        }
    }
}

fn looks_numeric(text: &str) -> bool {
    text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit())
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its name in messages.
    pub file: PathBuf,
    /// What it holds.
    pub root: Node,
}

impl Document {
    /// Reads YAML (of which JSON is a part). The text is remembered in `problems`, so that they can quote it.
    pub fn parse(file: &Path, text: &str, problems: &mut Problems) -> Option<Self> {
        problems.source(file, text);
        match build::parse(text) {
            Ok(root) => Some(Self { file: file.to_owned(), root }),
            Err(error) => {
                problems.push(error.into_problem(file));
                None
            }
        }
    }

    /// Reads a typed value from the node at `path`, which is part of this document. Every mistake that can be
    /// found is reported; `None` when there was any.
    pub fn read<T: DeserializeOwned>(&self, path: &[Step], node: &Node, problems: &mut Problems) -> Option<T> {
        let mut sound = true;
        let value = read::read(node, |error| {
            sound = false;
            problems.push(error.into_problem(self, path));
        });
        value.filter(|_| sound)
    }

    /// The same, but gives what is left when everything wrong is taken away, so that the rest can be looked at as
    /// well. Not for use: only for finding further mistakes.
    pub fn salvage<T: DeserializeOwned>(&self, path: &[Step], node: &Node, problems: &mut Problems) -> Option<T> {
        read::read(node, |error| problems.push(error.into_problem(self, path)))
    }

    /// A mistake at the value of a path; at the closest place above it when there is nothing.
    #[must_use]
    pub fn wrong(&self, path: &[Step], message: impl Into<String>) -> Problem {
        let node = (0..=path.len()).rev().find_map(|depth| self.root.at(&path[..depth]));
        self.wrong_at(node.map_or(&Place::Nowhere, |node| &node.place), &path_text(path), message)
    }

    /// A mistake at a place that is known already.
    #[must_use]
    pub fn wrong_at(&self, place: &Place, key: &str, message: impl Into<String>) -> Problem {
        match place {
            Place::Text { line, column } => Problem::new(&self.file, message).at(*line, *column).key(key),
            Place::Variable(name) => Problem::new("environment", message).key(name.as_ref()),
            Place::Flag => Problem::new("command line", message).key(key),
            Place::Nowhere => Problem::new(&self.file, message).key(key),
        }
    }
}

#[cfg(test)]
mod tests;
