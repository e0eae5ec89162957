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
/// Longest part of a sentence that tells of several assertions, in characters.
const MAX_SETTLED: usize = 160;
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
pub(in crate::rule) fn sentence(text: String) -> String {
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
            let kept = fields.iter().take(KEPT).map(|(key, value)| (key.clone(), clip_at(value, depth - 1)));
            Value::Map(Arc::new(kept.collect()))
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

/// The first few names in brackets; nothing where there are none.
pub(super) fn some(names: &[String], seen: usize) -> String {
    const FEW: usize = 3;
    let more = if seen > FEW { format!(" and {} more", seen - FEW) } else { String::new() };
    let first = names.iter().take(FEW).map(|name| cut(name.clone(), 40)).collect::<Vec<_>>().join(", ");
    if first.is_empty() { first } else { format!(" ({first}{more})") }
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

/// What a test says in words that stay the same from visit to visit: the value where the test fixes it, else the bound that
/// it keeps, or does not keep where it is not `so`. A reason that followed every number would make a record of each visit.
pub(super) fn settled(subject: &str, resolved: &Resolved<'_>, value: Option<&Value>, so: bool) -> String {
    let fixed = matches!(
        resolved,
        Resolved::Equals(..)
            | Resolved::NotEquals(..)
            | Resolved::In(_)
            | Resolved::NotIn(_)
            | Resolved::Matches(_)
            | Resolved::NotMatches(_)
            | Resolved::VersionAtLeast(..)
    );
    let said = match (resolved, value) {
        (_, Some(value)) if fixed => format!("{subject} is {}", shown(value)),
        (Resolved::Exists(wanted), _) => format!("{subject} is {}there", if *wanted == so { "" } else { "not " }),
        (Resolved::Empty(wanted), _) if *wanted == so => format!("{subject}: none"),
        (Resolved::Empty(_), _) => format!("{subject}: some"),
        (other, _) => format!("{subject}: {}{}", if so { "" } else { "not " }, wanted(other)),
    };
    cut(said, MAX_SETTLED)
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
}
