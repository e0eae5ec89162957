//! From text to tree.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{Data, Entry, Node, Place, Step, path_text};
use crate::model::Problem;

/// Nodes of one file; 10,000 assets with 40 values each need 800,000.
const MOST_NODES: usize = 4_000_000;
/// Bytes of all scalars of one file, aliases replayed.
const MOST_SCALAR_BYTES: usize = 64 << 20;
/// Nesting; deeper files are refused, because trees are walked by recursion.
const DEEPEST: usize = 64;

/// Why a text is no YAML.
pub(super) struct Unreadable {
    place: Option<Location>,
    key: Option<String>,
    message: String,
}

impl Unreadable {
    pub(super) fn into_problem(self, file: &Path) -> Problem {
        let (line, column) = self.place.map_or((0, 0), |place| position(&place));
        let problem = Problem::new(file, self.message).at(line, column);
        match self.key {
            Some(key) => problem.key(key).hint("keep one of them; the other would be lost without a word"),
            None => problem,
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Node, Unreadable> {
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { place: Place::Text { line: 1, column: 1 }, ..Node::default() });
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        // as in YAML 1.2 only true and false are truth: a list of allowed values may hold an unquoted no
        strict_booleans: true,
        // told by ourselves, with both places
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_nodes: MOST_NODES,
            max_events: 2 * MOST_NODES,
            max_total_scalar_bytes: MOST_SCALAR_BYTES,
            max_depth: DEEPEST,
        },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options) {
        Ok(tree) => match repeated(&tree.value, &mut Vec::new()) {
            None => Ok(node(tree, text)),
            Some(unreadable) => Err(unreadable),
        },
        Err(error) => Err(Unreadable { place: error.location(), key: None, message: one_line(&error) }),
    }
}

/// The first key that a map holds twice.
fn repeated(tree: &Tree, path: &mut Vec<Step>) -> Option<Unreadable> {
    let mut below = |step: Step, value: &Tree| {
        path.push(step);
        let found = repeated(value, path);
        path.pop();
        found
    };
    match tree {
        Tree::List(items) => items.iter().enumerate().find_map(|(at, item)| below(at.into(), &item.value)),
        Tree::Map(entries) => {
            let mut seen: HashMap<&str, &Location> = HashMap::with_capacity(entries.len());
            for (key, value) in entries {
                if let Some(first) = seen.insert(&key.value, &key.referenced) {
                    path.push(Step::Key(key.value.clone()));
                    let (line, column) = position(first);
                    return Some(Unreadable {
                        place: Some(key.referenced),
                        key: Some(path_text(path)),
                        message: format!("this key is written twice, first in line {line}, column {column}"),
                    });
                }
                if let Some(found) = below(Step::Key(key.value.clone()), &value.value) {
                    return Some(found);
                }
            }
            None
        }
        _ => None,
    }
}

/// The parser's own words without the place, which the report adds, and without quoted text, which may be a secret.
fn one_line(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn position(place: &Location) -> (usize, usize) {
    (usize::try_from(place.line()).unwrap_or(0), usize::try_from(place.column()).unwrap_or(0))
}

fn place(location: &Location) -> Place {
    let (line, column) = position(location);
    if line == 0 { Place::Nowhere } else { Place::Text { line, column } }
}

fn node(spanned: Spanned<Tree>, text: &str) -> Node {
    let at = spanned.referenced;
    let written = || {
        let span = spanned.defined.span();
        let from = usize::try_from(span.byte_offset()?).ok()?;
        let to = from.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        text.get(from..to).map(|raw| raw.trim().into())
    };
    let (data, raw) = match spanned.value {
        Tree::Null => (Data::Null, None),
        Tree::Bool(truth) => (Data::Bool(truth), written()),
        Tree::Int(number) => (Data::Int(number), written()),
        Tree::Float(number) => (Data::Float(number), written()),
        Tree::Text(words) => (Data::Text(words), None),
        Tree::List(items) => (Data::List(items.into_iter().map(|item| node(item, text)).enumerate().collect()), None),
        Tree::Map(entries) => {
            let entry = |(key, value): (Spanned<String>, Spanned<Tree>)| Entry {
                place: place(&key.referenced),
                key: key.value,
                node: node(value, text),
            };
            (Data::Map(entries.into_iter().map(entry).collect()), None)
        }
    };
    Node { place: place(&at), data, raw }
}

enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Tree;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }
            fn visit_none<E>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
                Tree::deserialize(deserializer)
            }
            fn visit_bool<E>(self, truth: bool) -> Result<Tree, E> {
                Ok(Tree::Bool(truth))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Int(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
                #[expect(clippy::cast_precision_loss, reason = "beyond i64 a number is a float, as in Value")]
                Ok(i64::try_from(number).map_or(Tree::Float(number as f64), Tree::Int))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
                Ok(Tree::Float(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Tree, E> {
                Ok(Tree::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Tree::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
