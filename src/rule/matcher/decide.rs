//! One operator against one element.

use super::op::Resolved;
use super::sentence::shown;
use crate::model::{Time, Value};
use crate::rule::moment::{days_since, time_of};
use crate::rule::sameness::{Sameness, number, order, sameness};
use crate::rule::version::compare;

/// A time that lies further ahead than this, in days, is a wrong clock, not fresh evidence.
const MAX_AHEAD: f64 = 1.0;

/// Whether the element is as wanted; `None` when the two cannot be compared.
pub(super) fn holds(resolved: &Resolved<'_>, value: &Value, now: Time) -> Option<bool> {
    match resolved {
        Resolved::In(set) => is(set.find(value)),
        Resolved::NotIn(set) => is_not(set.find(value)),
        Resolved::Equals(wanted, _) => is(sameness(value, wanted)),
        Resolved::NotEquals(wanted, _) => is_not(sameness(value, wanted)),
        Resolved::Matches(pattern) => found(pattern.regex(), value),
        Resolved::NotMatches(pattern) => found(pattern.regex(), value).map(|found| !found),
        Resolved::AtLeast(limit) => order(value, limit).map(std::cmp::Ordering::is_ge),
        Resolved::AtMost(limit) => order(value, limit).map(std::cmp::Ordering::is_le),
        Resolved::VersionAtLeast(version, scheme) => {
            compare(&version_text(value)?, version, *scheme).map(std::cmp::Ordering::is_ge)
        }
        Resolved::NewerThan(days) => age(value, now).filter(|age| *age >= -MAX_AHEAD).map(|age| age <= *days),
        Resolved::OlderThan(days) => age(value, now).map(|age| age > *days),
        // these judge the whole subject
        Resolved::SupersetOf(_)
        | Resolved::Count { .. }
        | Resolved::Exists(_)
        | Resolved::Unique
        | Resolved::Empty(_) => None,
    }
}

/// Whether an operator wants to see something, so that no element at all proves nothing. The others say that
/// something must not be, or not be too much, which an empty list does prove.
pub(super) fn is_positive(resolved: &Resolved<'_>) -> bool {
    matches!(
        resolved,
        Resolved::Equals(..)
            | Resolved::Matches(_)
            | Resolved::AtLeast(_)
            | Resolved::VersionAtLeast(..)
            | Resolved::OlderThan(_)
    )
}

fn is(found: Sameness) -> Option<bool> {
    match found {
        Sameness::Same => Some(true),
        Sameness::Different | Sameness::Unlike => Some(false),
        Sameness::Incomparable => None,
    }
}

fn is_not(found: Sameness) -> Option<bool> {
    match found {
        Sameness::Same => Some(false),
        Sameness::Different => Some(true),
        Sameness::Unlike | Sameness::Incomparable => None,
    }
}

fn found(regex: &regex::Regex, value: &Value) -> Option<bool> {
    match value {
        Value::Text(text) => Some(regex.is_match(text)),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(regex.is_match(&value.to_string())),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn version_text(value: &Value) -> Option<String> {
    match value {
        Value::Text(_) | Value::Int(_) | Value::Float(_) => Some(value.to_string()),
        _ => None,
    }
}

fn age(value: &Value, now: Time) -> Option<f64> {
    time_of(value).map(|time| days_since(time, now))
}

/// Why an element could not be compared, and what to do about it.
pub(super) fn why_unclear(resolved: &Resolved<'_>, value: &Value, now: Time) -> String {
    let seen = shown(value);
    match resolved {
        Resolved::AtLeast(limit) | Resolved::AtMost(limit) if number(value).is_some() => {
            format!("the limit {} is no number; correct the parameter", shown(limit))
        }
        Resolved::AtLeast(_) | Resolved::AtMost(_) => format!("{seen} is no number; look at it on the asset"),
        Resolved::VersionAtLeast(version, scheme) => format!(
            "{seen} cannot be ordered against {version} as {} version; compare by hand or change the scheme",
            format!("{scheme:?}").to_lowercase()
        ),
        Resolved::NewerThan(_) | Resolved::OlderThan(_) => match age(value, now) {
            Some(_) => format!("{seen} lies in the future; set the asset's clock"),
            None => format!("{seen} is no time that can be read (RFC 3339, a date or Unix seconds)"),
        },
        Resolved::Matches(_) | Resolved::NotMatches(_) => format!("{seen} is no text that a pattern can be tried on"),
        _ => format!("{seen} is of another kind than what it is compared with; give the field a type in the fact"),
    }
}
