//! Fields of rows, as the matchers of a check name them under `field`, `where` and `where_not`.

use super::form::Spot;
use crate::model::document::{Document, Node, Step};

/// Keys of a check that hold matchers.
const PARTS: [&str; 4] = ["not_applicable_when", "requires", "assert", "warn"];
/// Keys of a matcher that hold further matchers.
const GROUPS: [&str; 4] = ["all", "any", "none", "when"];
/// Keys of a matcher whose own keys are fields.
const FILTERS: [&str; 2] = ["where", "where_not"];

/// One field of the rows that a matcher judges.
pub(super) struct RowField<'a> {
    /// Path of the rows, beginning with a fact.
    pub(super) subject: &'a str,
    /// The field.
    pub(super) field: &'a str,
    /// Where it is named.
    pub(super) spot: Spot,
}

/// Every field of rows that a check names.
pub(super) fn row_fields(document: &Document) -> Vec<RowField<'_>> {
    let mut found = Vec::new();
    for part in PARTS {
        if let Some(node) = document.root.get(part) {
            collect(node, &mut vec![part.into()], &mut found);
        }
    }
    found
}

fn collect<'a>(node: &'a Node, path: &mut Vec<Step>, found: &mut Vec<RowField<'a>>) {
    let mut inside = |step: Step, below: &'a Node, found: &mut Vec<RowField<'a>>| {
        path.push(step);
        collect(below, path, found);
        path.pop();
    };
    for (at, item) in node.items() {
        inside(Step::Index(*at), item, found);
    }
    for key in GROUPS {
        if let Some(below) = node.get(key) {
            inside(key.into(), below, found);
        }
    }
    let Some(subject) = node.get("fact").and_then(Node::as_text) else { return };
    let subject = subject.strip_prefix("fact:").unwrap_or(subject).trim();
    let field = node.get("field").and_then(|node| Some((node.as_text()?, &node.place, vec!["field".into()])));
    let filters = FILTERS.iter().flat_map(|filter| {
        let entries = node.get(filter).map(Node::entries).unwrap_or_default().iter();
        entries.map(|entry| {
            let key = entry.key.as_str();
            (key, &entry.place, vec![Step::from(*filter), key.into()])
        })
    });
    for (field, place, below) in field.into_iter().chain(filters) {
        let spot = Spot::new(place.clone(), path.iter().cloned().chain(below).collect());
        found.push(RowField { subject, field, spot });
    }
}
