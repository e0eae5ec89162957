//! Names in checks that only the configuration can know, kept with their places until it is there.

use std::path::PathBuf;

use crate::model::Problem;
use crate::model::document::{Document, Node, Place, Step, path_text};

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mentioned {
    /// A schedule, under `schedule`.
    Schedule,
    /// A zone, under `applies_to`.
    Zone,
}

/// A name and where a check says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What it is of.
    pub what: Mentioned,
    /// The name.
    pub name: String,
    file: PathBuf,
    place: Place,
    key: String,
}

impl Mention {
    /// A mistake there.
    #[must_use]
    pub fn wrong(&self, message: impl Into<String>) -> Problem {
        let problem = Problem::new(&self.file, message).key(&self.key);
        match self.place {
            Place::Text { line, column } => problem.at(line, column),
            _ => problem,
        }
    }
}

/// The names in a check file.
pub(super) fn mentions(document: &Document) -> Vec<Mention> {
    let parts = [(Mentioned::Schedule, &["schedule"][..]), (Mentioned::Zone, &["applies_to", "zone"])];
    let below = |(what, keys): (Mentioned, &[&str])| {
        let path: Vec<Step> = keys.iter().map(|key| Step::from(*key)).collect();
        let node = document.root.at(&path);
        let items = node.map(Node::items).unwrap_or_default();
        let inside = items.iter().map(|(at, item)| (item, [path.as_slice(), &[Step::Index(*at)]].concat()));
        let texts = node.into_iter().map(|node| (node, path.clone())).chain(inside);
        let mention = |(node, path): (&Node, Vec<Step>)| {
            let (file, place) = (document.file.clone(), node.place.clone());
            Some(Mention { what, name: node.as_text()?.to_owned(), file, place, key: path_text(&path) })
        };
        texts.filter_map(mention).collect::<Vec<_>>()
    };
    parts.into_iter().flat_map(below).collect()
}
