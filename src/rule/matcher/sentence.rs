//! Words for people: what was seen, what was wanted, and who offends.
//!
//! Everything here may carry text of a device: it is escaped, and cut before it grows.

use std::fmt::Write;
use std::sync::Arc;

use super::op::Resolved;
use super::operand::Operand;
use super::test::Test;
use crate::model::Value;
use crate::rule::set::Set;

/// Offenders and list elements that are named before "and N more".
const NAMED: usize = 10;
/// Longest text that is shown, in characters.
const MAX_TEXT: usize = 120;
/// Longest sentence, in characters.
const MAX_SENTENCE: usize = 1_000;
/// Elements of a list that are kept with a judgement.
const KEPT: usize = 50;
/// Characters of a text that are kept with a judgement.
const KEPT_TEXT: usize = 1_000;
/// Nesting that is kept with a judgement.
const KEPT_DEPTH: usize = 6;

/// A value for a sentence.
pub(in crate::rule) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => escaped(text),
        Value::List(items) => format!("[{}]", join(items.iter().map(shown), items.len())),
        Value::Map(fields) => {
            let pairs = fields.iter().map(|(key, value)| format!("{}: {}", escaped(key), shown(value)));
            cut(format!("{{{}}}", join(pairs, fields.len())), MAX_TEXT)
        }
        other => other.to_string(),
    }
}

/// The first few parts and how many more there are.
pub(in crate::rule) fn join(parts: impl Iterator<Item = String>, count: usize) -> String {
    let mut text = parts.take(NAMED).collect::<Vec<_>>().join(", ");
    if count > NAMED {
        let _ = write!(text, " and {} more", count - NAMED);
    }
    text
}

fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    let odd = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::new();
    for c in text.chars().take(MAX_TEXT) {
        if odd(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if text.chars().nth(MAX_TEXT).is_some() {
        shown.push('…');
    }
    shown
}

pub(super) fn cut(text: String, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A sentence, cut to one readable line.
pub(super) fn sentence(text: String) -> String {
    cut(text, MAX_SENTENCE)
}

/// A value to be kept with a judgement: cut in length, number and depth; cheap when nothing is to be cut.
pub(in crate::rule) fn clip(value: &Value) -> Value {
    clip_at(value, KEPT_DEPTH)
}

fn clip_at(value: &Value, depth: usize) -> Value {
    if fits(value, depth) { value.clone() } else { clipped(value, depth) }
}

fn fits(value: &Value, depth: usize) -> bool {
    match value {
        Value::Text(text) => text.len() <= KEPT_TEXT,
        Value::List(items) => depth > 0 && items.len() <= KEPT && items.iter().all(|item| fits(item, depth - 1)),
        Value::Map(fields) => depth > 0 && fields.len() <= KEPT && fields.values().all(|item| fits(item, depth - 1)),
        _ => true,
    }
}

fn clipped(value: &Value, depth: usize) -> Value {
    match value {
        Value::Text(text) => Value::text(cut(text.to_string(), KEPT_TEXT)),
        Value::List(_) | Value::Map(_) if depth == 0 => Value::text("…"),
        Value::List(items) => {
            let more = (items.len() > KEPT).then(|| Value::text(format!("… and {} more", items.len() - KEPT)));
            Value::list(items.iter().take(KEPT).map(|item| clip_at(item, depth - 1)).chain(more))
        }
        Value::Map(fields) => {
            let more = fields.len().saturating_sub(KEPT);
            let more = (more > 0).then(|| (Arc::from("…"), Value::text(format!("… and {more} more"))));
            let kept = fields.iter().take(KEPT).map(|(key, value)| (key.clone(), clip_at(value, depth - 1)));
            Value::Map(Arc::new(kept.chain(more).collect()))
        }
        other => other.clone(),
    }
}

/// What is looked at: the subject, its field and its filter.
pub(super) fn subject(test: &Test) -> String {
    let mut said = match &test.field {
        Some(field) => format!("{field} of {}", test.subject),
        None => test.subject.to_string(),
    };
    let condition = |not: &str, (field, operand): &(Arc<str>, Operand)| match operand.name() {
        Some(name) => format!("{not}{field}: {name}"),
        None => format!("{not}{field}: {}", operand.literal().map(shown).unwrap_or_default()),
    };
    let kept = test.filter.iter().map(|one| condition("", one));
    let conditions: Vec<String> = kept.chain(test.skip.iter().map(|one| condition("not ", one))).collect();
    if !conditions.is_empty() {
        let _ = write!(said, " ({})", conditions.join(", "));
    }
    said
}

/// What is wanted, with the parameter it comes from.
pub(super) fn expected(test: &Test, resolved: &Resolved<'_>) -> String {
    let mut said = wanted(resolved);
    let names: Vec<String> = test.op.names().map(ToString::to_string).collect();
    if !names.is_empty() {
        let _ = write!(said, " ({})", names.join(", "));
    }
    if let Some(except) = &test.except {
        let except = except.name().map(ToString::to_string).or_else(|| except.literal().map(shown));
        let _ = write!(said, ", except {}", except.unwrap_or_default());
    }
    said
}

/// `1 element`, `7 elements`.
pub(super) fn counted(seen: usize) -> String {
    format!("{seen} element{}", if seen == 1 { "" } else { "s" })
}

/// Parts that differ, each once, in order.
pub(super) fn once<'t>(parts: impl Iterator<Item = &'t str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        if !seen.contains(&part) {
            seen.push(part);
        }
    }
    join(seen.iter().map(ToString::to_string), seen.len())
}

/// What is so of a single value that a test holds of.
pub(super) fn alone(subject: &str, resolved: &Resolved<'_>, value: &Value) -> String {
    let seen = shown(value);
    match resolved {
        Resolved::Empty(true) => format!("{subject} is empty"),
        Resolved::Exists(_) | Resolved::Empty(false) | Resolved::Equals(..) => format!("{subject} is {seen}"),
        Resolved::In(set) if set.items().len() < 2 => format!("{subject} is {seen}"),
        Resolved::In(_) => format!("{subject} is {seen}, which is among {}", list(resolved)),
        Resolved::NotIn(_) => format!("{subject} is {seen}, which is not among {}", list(resolved)),
        other => format!("{subject} is {seen} ({})", wanted(other)),
    }
}

/// What is so of the elements that a test holds of.
pub(super) fn together(subject: &str, resolved: &Resolved<'_>, seen: usize, values: &[Value]) -> String {
    let same = values.first().filter(|first| values.iter().all(|value| value == *first));
    match (resolved, same) {
        (Resolved::Count { .. } | Resolved::Exists(_) | Resolved::Empty(_), _) | (_, None) if seen == 0 => {
            format!("{subject} is empty")
        }
        (Resolved::Count { .. } | Resolved::Exists(_) | Resolved::Empty(_), _) => {
            format!("{subject} has {}", counted(seen))
        }
        (_, Some(value)) if seen == 1 => alone(subject, resolved, value),
        (_, Some(value)) => format!("each {subject} is {}", shown(value)),
        (other, None) => {
            format!("{subject}: {} ({})", join(values.iter().map(shown), seen), wanted(other))
        }
    }
}

fn list(resolved: &Resolved<'_>) -> String {
    match resolved {
        Resolved::In(set) | Resolved::NotIn(set) | Resolved::SupersetOf(set) => {
            format!("[{}]", join(set.items().iter().map(shown), set.items().len()))
        }
        _ => String::new(),
    }
}

fn wanted(resolved: &Resolved<'_>) -> String {
    let list = |set: &Set| format!("[{}]", join(set.items().iter().map(shown), set.items().len()));
    match resolved {
        Resolved::Equals(value, _) => shown(value),
        Resolved::NotEquals(value, _) => format!("anything but {}", shown(value)),
        Resolved::In(set) if set.items().is_empty() => "nothing at all".to_owned(),
        Resolved::In(set) => format!("only {}", list(set)),
        Resolved::NotIn(set) => format!("none of {}", list(set)),
        Resolved::SupersetOf(set) => format!("all of {}", list(set)),
        Resolved::Matches(pattern) => format!("a match of {pattern:?}"),
        Resolved::NotMatches(pattern) => format!("no match of {pattern:?}"),
        Resolved::AtLeast(value) => format!("at least {}", shown(value)),
        Resolved::AtMost(value) => format!("at most {}", shown(value)),
        Resolved::VersionAtLeast(version, _) => format!("version {} or newer", escaped(version)),
        Resolved::NewerThan(days) => format!("not older than {days} days"),
        Resolved::OlderThan(days) => format!("older than {days} days"),
        Resolved::Count { at_least: Some(n), at_most: Some(m) } if n == m => format!("exactly {n}"),
        Resolved::Count { at_least: Some(n), at_most: Some(m) } => format!("between {n} and {m}"),
        Resolved::Count { at_least: Some(n), .. } => format!("at least {n}"),
        Resolved::Count { at_most: Some(m), .. } => format!("at most {m}"),
        Resolved::Count { .. } => "any number".to_owned(),
        Resolved::Exists(true) | Resolved::Empty(false) => "something".to_owned(),
        Resolved::Exists(false) | Resolved::Empty(true) => "nothing".to_owned(),
        Resolved::Unique => "no value twice".to_owned(),
    }
}

/// What is wanted, as a value for the record.
pub(super) fn expected_value(resolved: &Resolved<'_>) -> Value {
    let list = |set: &Set| clip(set.source());
    match resolved {
        Resolved::Equals(value, _)
        | Resolved::NotEquals(value, _)
        | Resolved::AtLeast(value)
        | Resolved::AtMost(value) => clip(value),
        Resolved::In(set) | Resolved::NotIn(set) | Resolved::SupersetOf(set) => list(set),
        Resolved::VersionAtLeast(version, _) => Value::text(version),
        Resolved::Matches(pattern) | Resolved::NotMatches(pattern) => Value::text(pattern.regex().as_str()),
        Resolved::NewerThan(days) | Resolved::OlderThan(days) => Value::Float(*days),
        Resolved::Count { at_least, at_most } => {
            let bounds = [("at_least", at_least), ("at_most", at_most)];
            Value::map(bounds.into_iter().filter_map(|(name, bound)| Some((name, Value::Int((*bound)?)))))
        }
        Resolved::Exists(wanted) | Resolved::Empty(wanted) => Value::Bool(*wanted),
        Resolved::Unique => Value::Bool(true),
    }
}

/// A sentence of the check's author with `{observed}`, `{expected}` and `{offenders}` in it; of an exclusion with
/// `{elements}`, the names of what it looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(String);

impl Template {
    const PLACES: [&'static str; 4] = ["{observed}", "{expected}", "{offenders}", "{elements}"];

    /// Refuses places that nothing fills.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let rest = Self::PLACES.iter().fold(text.to_owned(), |rest, place| rest.replace(place, ""));
        if let Some((_, after)) = rest.split_once('{') {
            let name = after.split('}').next().unwrap_or_default();
            return Err(format!("`say` has no place {{{name}}}; there are {}", Self::PLACES.join(", ")));
        }
        if text.trim().is_empty() {
            return Err("`say` is empty; leave it out for the generated sentence".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// Fills the places in one pass, so that no text of a device is taken for a place.
    pub(super) fn fill(&self, observed: &str, expected: &str, offenders: &str) -> String {
        let (mut filled, mut rest) = (String::new(), self.0.as_str());
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            let place = Self::PLACES.iter().find(|place| rest[at..].starts_with(**place));
            filled.push_str(match place {
                Some(&"{observed}") => observed,
                Some(&"{expected}") => expected,
                _ => offenders,
            });
            rest = &rest[at + place.map_or(1, |place| place.len())..];
        }
        filled.push_str(rest);
        sentence(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_text_is_escaped_and_cut() {
        assert_eq!(shown(&Value::text("a\u{1b}[31m\nb\u{202e}")), "a\\u{1b}[31m\\nb\\u{202e}");
        assert_eq!(shown(&Value::text("é".repeat(500))).chars().count(), 121);
        assert_eq!(shown(&Value::list((0..12).map(Value::Int))), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more]");
    }

    #[test]
    fn kept_values_are_bounded() {
        let long = Value::list((0..1000).map(Value::Int));
        assert_eq!(clip(&long).as_list().unwrap().len(), KEPT + 1);
        let deep = (0..100).fold(Value::Int(1), |inner, _| Value::list([inner]));
        assert!(clip(&deep).to_string().len() < 50);
    }

    #[test]
    fn a_template_knows_its_places() {
        let template = Template::parse("saw {observed}, want {expected}: {offenders}").unwrap();
        assert_eq!(template.fill("{expected}", "b", "c"), "saw {expected}, want b: c");
        assert!(Template::parse("{who}").unwrap_err().contains("{observed}"));
        assert!(Template::parse(" ").is_err());
    }
}
