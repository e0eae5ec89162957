//! What differs between what is there and what was approved.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Snapshot;

/// So many parts of a kind are named in a sentence.
const NAMED: usize = 12;
/// Longest list of names in a sentence, in characters.
const LISTED: usize = 320;
/// What stands in a name before the number of a line.
const LINE: &str = " line ";

/// What differs, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// Elements that nobody approved, or fields that were not there.
    pub added: Vec<String>,
    /// Approved elements or fields that are gone.
    pub missing: Vec<String>,
    /// Fields with another value.
    pub changed: Vec<String>,
}

impl Difference {
    /// What of `seen` differs from `approved`.
    #[must_use]
    pub fn between(seen: &Snapshot, approved: &Snapshot) -> Self {
        if seen.sha256 == approved.sha256 {
            return Self::default();
        }
        let mut found = match (seen.is_whole_only() || approved.is_whole_only(), seen.set) {
            (true, _) => Self::default(),
            (false, true) => Self::of_sets(seen, approved),
            (false, false) => Self::of_fields(seen, approved),
        };
        if found.is_empty() {
            let (now, then) = (seen.count, approved.count);
            let noun = if seen.set { "elements" } else { "fields" };
            let whole = format!("the whole: {now} {noun} now, {then} approved");
            found.changed.push(if now == then && !seen.is_whole_only() { "the order".to_owned() } else { whole });
        }
        found
    }

    fn of_sets(seen: &Snapshot, approved: &Snapshot) -> Self {
        let less = |all: &Snapshot, known: &Snapshot| {
            let known: BTreeSet<&String> = known.parts.values().collect();
            all.parts.iter().filter(|(_, digest)| !known.contains(digest)).map(|(name, _)| name.clone()).collect()
        };
        Self { added: less(seen, approved), missing: less(approved, seen), changed: Vec::new() }
    }

    fn of_fields(seen: &Snapshot, approved: &Snapshot) -> Self {
        let (now, now_lines) = split(&seen.parts);
        let (then, then_lines) = split(&approved.parts);
        let mut found = Self {
            added: now.keys().filter(|name| !then.contains_key(*name)).map(|name| (*name).to_owned()).collect(),
            missing: then.keys().filter(|name| !now.contains_key(*name)).map(|name| (*name).to_owned()).collect(),
            changed: now
                .iter()
                .filter(|(name, digest)| then.get(*name).is_some_and(|known| known != *digest))
                .map(|(name, _)| (*name).to_owned())
                .collect(),
        };
        for text in now_lines.keys().chain(then_lines.keys()).collect::<BTreeSet<_>>() {
            let [now, then] = [&now_lines, &then_lines].map(|texts| texts.get(text).map_or(&[][..], Vec::as_slice));
            found.changed.extend(changed_lines(text, now, then));
        }
        found
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.missing.is_empty() && self.changed.is_empty()
    }

    /// Whether something is gone and nothing came or changed.
    #[must_use]
    pub fn is_only_less(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty()
    }

    /// In words, for a person: `added 8080; gone 443`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let kinds = [("added", &self.added), ("gone", &self.missing), ("changed", &self.changed)];
        let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
        kinds.map(|(word, names)| format!("{word} {}", listed(names))).collect::<Vec<_>>().join("; ")
    }
}

/// The first names, and how many there are beside them.
fn listed(names: &[String]) -> String {
    let mut length = 0;
    let fits = |name: &&str| {
        length += name.chars().count() + 2;
        length <= LISTED
    };
    let first: Vec<&str> = names.iter().map(String::as_str).take(NAMED).take_while(fits).collect();
    let more = names.len() - first.len();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

/// Fields, and the lines of texts in their order.
fn split(parts: &BTreeMap<String, String>) -> (BTreeMap<&str, &str>, BTreeMap<&str, Vec<&str>>) {
    let (mut fields, mut texts) = (BTreeMap::new(), BTreeMap::<&str, Vec<&str>>::new());
    for (name, digest) in parts {
        match name
            .rsplit_once(LINE)
            .filter(|(_, number)| number.len() == 5 && number.bytes().all(|b| b.is_ascii_digit()))
        {
            Some((text, _)) => texts.entry(text).or_default().push(digest),
            None => drop(fields.insert(name.as_str(), digest.as_str())),
        }
    }
    (fields, texts)
}

/// The lines between those that are equal at the beginning and at the end.
fn changed_lines(text: &str, now: &[&str], then: &[&str]) -> Option<String> {
    if now == then {
        return None;
    }
    let text = if text.is_empty() { "text" } else { text };
    let before = now.iter().zip(then).take_while(|(a, b)| a == b).count();
    let behind = now[before..].iter().rev().zip(then[before..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (first, last) = (before + 1, now.len() - behind);
    Some(match (last + 1).checked_sub(first) {
        Some(0) | None => format!("{text} after line {before}"),
        Some(1) => format!("{text} line {first}"),
        Some(_) => format!("{text} lines {first}-{last}"),
    })
}
