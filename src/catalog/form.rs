//! A map of a file, read key by key: what cannot be read is noted and the rest goes on.

use serde::de::DeserializeOwned;

use crate::model::document::{Data, Document, Node, Place, Step, path_text};
use crate::model::{Problem, Problems};

/// Where a list element stands, for checks that come after all files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    place: Place,
    path: Vec<Step>,
}

impl Spot {
    /// A place and the keys that lead to it.
    pub(super) const fn new(place: Place, path: Vec<Step>) -> Self {
        Self { place, path }
    }

    /// A mistake here.
    pub(super) fn wrong(&self, document: &Document, message: impl AsRef<str>) -> Problem {
        document.wrong_at(&self.place, &path_text(&self.path), one_line(message.as_ref()))
    }

    /// A mistake at the first text below here that mentions `word`; here when there is none.
    pub(super) fn wrong_about(&self, document: &Document, word: &str, message: impl AsRef<str>) -> Problem {
        let mut path = self.path.clone();
        match document.root.at(&self.path).and_then(|node| mention(node, word, &mut path)) {
            Some(node) => document.wrong_at(&node.place, &path_text(&path), one_line(message.as_ref())),
            None => self.wrong(document, message),
        }
    }
}

/// The first text below a node that mentions a word; the path leads to it afterwards.
fn mention<'a>(node: &'a Node, word: &str, path: &mut Vec<Step>) -> Option<&'a Node> {
    if node.as_text().is_some_and(|text| text.contains(word)) {
        return Some(node);
    }
    let items = node.items().iter().map(|(at, item)| (Step::Index(*at), item));
    let entries = node.entries().iter().map(|entry| (Step::Key(entry.key.clone()), &entry.node));
    items.chain(entries).find_map(|(step, inside)| {
        path.push(step);
        let found = mention(inside, word, path);
        if found.is_none() {
            path.pop();
        }
        found
    })
}

/// One map, half read.
pub(super) struct Form<'a> {
    document: &'a Document,
    known: Vec<&'static str>,
    problems: &'a mut Problems,
}

impl<'a> Form<'a> {
    /// Starts to read a document that must be a map; in anything else no key will be found.
    pub(super) fn new(document: &'a Document, problems: &'a mut Problems) -> Self {
        if !matches!(document.root.data, Data::Map(_)) {
            problems.push(document.wrong(&[], "expected keys with values"));
        }
        Self { document, known: Vec::new(), problems }
    }

    /// The document it belongs to.
    pub(super) const fn document(&self) -> &'a Document {
        self.document
    }

    /// Notes a mistake at the value of a key, or at the whole map when it has none.
    pub(super) fn refuse(&mut self, key: &'static str, message: impl AsRef<str>) {
        let problem = self.document.wrong(&[key.into()], one_line(message.as_ref()));
        self.problems.push(problem);
    }

    /// Notes a mistake that is worded and placed already.
    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Lends the document and the report to a reader of its own kind.
    pub(super) fn with_problems<T>(&mut self, read: impl FnOnce(&Document, &mut Problems) -> T) -> T {
        read(self.document, self.problems)
    }

    /// The branch under a key; `key:` with nothing behind it counts as not given.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.document.root.get(key).filter(|node| node.data != Data::Null)
    }

    /// The value of a key, if it is given and right.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        self.document.read(&[key.into()], node, self.problems)
    }

    /// The value of a key that must be given.
    pub(super) fn need<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        if self.node(key).is_none() {
            self.refuse(key, format!("key {key:?} is missing"));
            return None;
        }
        self.take(key)
    }

    /// The elements of a list, each on its own: a wrong one does not hide the others. One value stands for a list of one.
    pub(super) fn list<T: DeserializeOwned>(&mut self, key: &'static str) -> Vec<(Spot, T)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let elements: Vec<(Vec<Step>, &Node)> = match &node.data {
            Data::List(items) => items.iter().map(|(at, item)| (vec![key.into(), (*at).into()], item)).collect(),
            _ => vec![(vec![key.into()], node)],
        };
        let read = elements.into_iter().filter_map(|(path, item)| {
            let value = self.document.read(&path, item, self.problems)?;
            Some((Spot { place: item.place.clone(), path }, value))
        });
        read.collect()
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn finish(self) {
        for entry in self.document.root.entries() {
            if !self.known.contains(&entry.key.as_str()) {
                let message = format!("unknown key {:?}", cut(&entry.key));
                let problem = self.document.wrong_at(&entry.place, &entry.key, message);
                self.problems.push(suggest(problem, &entry.key, self.known.iter().copied()));
            }
        }
    }
}

/// A list of right words is shown up to this length; longer ones help nobody.
const LONGEST_LIST: usize = 24;

/// Adds "did you mean", or the list of right words when it is short.
pub(super) fn suggest<'a>(problem: Problem, word: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    match suggestion(word, known) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// "did you mean …?", or the list of right words when it is short.
pub(super) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match crate::model::did_you_mean(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean {near:?}?")),
        None if known.is_empty() || known.len() > LONGEST_LIST => None,
        None => Some(format!("known: {}", known.join(", "))),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_wrong_key_of_a_map_is_named_in_one_go() {
        let mut problems = Problems::new();
        let text = "id: a\nports: [22, x, 23]\nseverty: high\n";
        let document = Document::parse(Path::new("a.yaml"), text, &mut problems).unwrap();
        let mut form = Form::new(&document, &mut problems);
        assert_eq!(form.need::<String>("id").as_deref(), Some("a"));
        let ports: Vec<u16> = form.list("ports").into_iter().map(|(_, port)| port).collect();
        assert_eq!(ports, [22, 23]);
        assert_eq!(form.need::<String>("severity"), None);
        form.finish();
        insta::assert_snapshot!(problems.or(()).unwrap_err(), @r#"
        a.yaml:1:1: severity: key "severity" is missing
             1 | id: a
               | ^
        a.yaml:2:13: ports[1]: expected a whole number from 0 to 65535, found text
             2 | ports: [22, x, 23]
               |             ^
        a.yaml:3:1: severty: unknown key "severty"
             3 | severty: high
               | ^
               = did you mean "severity"?
        "#);
    }

    #[test]
    fn a_far_word_gets_the_list_instead() {
        assert_eq!(suggestion("zzzzzz", ["ssh", "snmp"]).unwrap(), "known: ssh, snmp");
        assert_eq!(suggestion("sshd", ["ssh", "snmp"]).unwrap(), "did you mean \"ssh\"?");
    }
}
