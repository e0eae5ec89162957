//! A map of a file, read key by key: what cannot be read is noted and the rest goes on.

use serde::de::DeserializeOwned;

use super::problem::{SourceFile, with_suggestion};
use super::tree::{Node, Place};
use crate::model::{Problem, Problems};

/// A list element with its place and its dotted key, for checks that come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Where it stands.
    pub place: Place,
    /// Its dotted key.
    pub key: String,
}

/// One map, half read.
pub struct Form<'a> {
    file: &'a SourceFile,
    node: &'a Node,
    prefix: String,
    known: Vec<&'static str>,
    problems: &'a mut Problems,
}

impl<'a> Form<'a> {
    /// Starts to read a map; anything else is a mistake, and none of its keys will be found.
    pub fn new(file: &'a SourceFile, node: &'a Node, prefix: impl Into<String>, problems: &'a mut Problems) -> Self {
        let form = Self { file, node, prefix: prefix.into(), known: Vec::new(), problems };
        if !matches!(node.shape, super::tree::Shape::Map(_)) {
            let message = format!("expected a map, found {}", node.kind());
            form.problems.push(file.mistake(node.place, &*form.prefix, message));
        }
        form
    }

    /// The dotted name of a key of this map.
    #[must_use]
    pub fn path(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) }
    }

    /// Notes a mistake about a key.
    pub fn refuse(&mut self, place: Place, key: &str, message: impl AsRef<str>) {
        let path = self.path(key);
        self.problems.push(self.file.mistake(place, path, message));
    }

    /// The file it belongs to.
    pub const fn file(&self) -> &'a SourceFile {
        self.file
    }

    /// Notes a mistake that is already worded.
    pub fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The branch under a key; `key:` with nothing behind it counts as not given.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.node.get(key).filter(|node| !node.is_null())
    }

    /// The value of a key, if it is given and right.
    pub fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        let path = self.path(key);
        self.read(node, &path)
    }

    /// The value of a key that must be given.
    pub fn need<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        if self.node(key).is_none() {
            self.known.pop();
            self.known.push(key);
            let message = format!("key `{key}` is missing");
            let place = self.node.get(key).map_or(self.node.place, |node| node.place);
            self.refuse(place, key, message);
            return None;
        }
        self.take(key)
    }

    /// The elements of a list, each on its own: a wrong one does not hide the others. One value stands for a list of one.
    pub fn list<T: DeserializeOwned>(&mut self, key: &'static str) -> Vec<(Spot, T)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let path = self.path(key);
        let items = match &node.shape {
            super::tree::Shape::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut read = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let key = format!("{path}[{at}]");
            if let Some(value) = self.read(item, &key) {
                read.push((Spot { place: item.place, key }, value));
            }
        }
        read
    }

    fn read<T: DeserializeOwned>(&mut self, node: &Node, path: &str) -> Option<T> {
        match node.read() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.push(error.mistake(self.file, path));
                None
            }
        }
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self) {
        for entry in self.node.entries() {
            if !self.known.contains(&&*entry.key) {
                let problem = self.file.mistake(entry.place, self.path(&entry.key), "unknown key");
                self.problems.push(with_suggestion(problem, &entry.key, self.known.iter().copied()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_key_of_a_map_is_named_in_one_go() {
        let file = SourceFile::new("a.yaml", "id: a\nports: [22, x, 23]\nseverty: high\n");
        let node = Node::parse(&file).unwrap();
        let mut problems = Problems::new();
        let mut form = Form::new(&file, &node, "", &mut problems);
        assert_eq!(form.need::<String>("id").as_deref(), Some("a"));
        let ports: Vec<u16> = form.list("ports").into_iter().map(|(_, port)| port).collect();
        assert_eq!(ports, [22, 23]);
        assert_eq!(form.need::<String>("severity"), None);
        form.finish();
        insta::assert_snapshot!(problems.or(()).unwrap_err(), @r"
        a.yaml:1:1: severity: key `severity` is missing
        a.yaml:2:13: ports[1]: expected u16, found the text `x`
        a.yaml:3:1: severty: unknown key
               = did you mean `severity`?
        ");
    }
}
