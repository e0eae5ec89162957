//! When two values are the same, and which of two is larger.
//!
//! Extractors turn text that looks like a whole number into one, and files may quote a number or not; so text
//! and number compare as numbers where both read as one. Values that cannot be compared are never equal and
//! never different: the caller makes an unknown of them.

use std::cmp::Ordering;

use crate::model::Value;

/// How an observed value stands to an expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sameness {
    /// Equal.
    Same,
    /// Not equal.
    Different,
    /// A number was seen where words were expected: not equal, but no proof that a forbidden word is away.
    Unlike,
    /// Kinds that have nothing to do with each other.
    Incomparable,
}

impl Sameness {
    fn of(equal: bool) -> Self {
        if equal { Self::Same } else { Self::Different }
    }
}

/// Compares an observed value with an expected one.
pub(super) fn sameness(observed: &Value, expected: &Value) -> Sameness {
    match (observed, expected) {
        (Value::Text(a), Value::Text(b)) => Sameness::of(a == b),
        (Value::Int(a), Value::Int(b)) => Sameness::of(a == b),
        (Value::Bool(a), Value::Bool(b)) => Sameness::of(a == b),
        (Value::Null, Value::Null) => Sameness::Same,
        (_, Value::Null) => Sameness::Different,
        (Value::Bool(a), Value::Text(b)) | (Value::Text(b), Value::Bool(a)) => {
            truth(b).map_or(Sameness::Incomparable, |b| Sameness::of(*a == b))
        }
        (Value::List(a), Value::List(b)) => all_same(a.iter(), b.iter(), a.len() == b.len()),
        (Value::Map(a), Value::Map(b)) => all_same(a.values(), b.values(), a.keys().eq(b.keys())),
        _ => match (order(observed, expected), observed, expected) {
            (Some(order), ..) => Sameness::of(order.is_eq()),
            (None, Value::Int(_), Value::Text(_)) => Sameness::Unlike,
            _ => Sameness::Incomparable,
        },
    }
}

fn all_same<'a>(a: impl Iterator<Item = &'a Value>, b: impl Iterator<Item = &'a Value>, same_shape: bool) -> Sameness {
    Sameness::of(same_shape && a.zip(b).all(|(a, b)| sameness(a, b) == Sameness::Same))
}

/// Orders two numbers, either of which may be written as text; `None` when one is no number.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The value as a finite number.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        #[expect(clippy::cast_precision_loss, reason = "only compared with another fraction")]
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_compare_as_numbers_where_both_read_as_one() {
        let (five, text) = (Value::Int(5), Value::text("5"));
        assert_eq!(sameness(&five, &text), Sameness::Same);
        assert_eq!(sameness(&text, &five), Sameness::Same);
        assert_eq!(sameness(&text, &Value::Int(6)), Sameness::Different);
        assert_eq!(sameness(&text, &Value::Float(5.0)), Sameness::Same);
        assert_eq!(sameness(&text, &Value::text("5.0")), Sameness::Different, "two texts compare as text");
    }

    #[test]
    fn kinds_that_do_not_meet_are_incomparable() {
        for (observed, expected) in [
            (Value::text("never"), Value::Int(5)),
            (Value::Bool(true), Value::Int(1)),
            (Value::Null, Value::Int(1)),
            (Value::list([]), Value::text("")),
            (Value::Float(1.5), Value::text("x")),
        ] {
            assert_eq!(sameness(&observed, &expected), Sameness::Incomparable, "{observed} {expected}");
        }
        assert_eq!(sameness(&Value::Int(5), &Value::text("alice")), Sameness::Unlike);
    }

    #[test]
    fn truth_has_several_spellings() {
        assert_eq!(sameness(&Value::text("no"), &Value::Bool(false)), Sameness::Same);
        assert_eq!(sameness(&Value::Bool(true), &Value::text("yes")), Sameness::Same);
        assert_eq!(sameness(&Value::text("prohibit-password"), &Value::Bool(false)), Sameness::Incomparable);
    }

    #[test]
    fn large_numbers_keep_their_order() {
        let (a, b) = (Value::Int(i64::MAX - 1), Value::Int(i64::MAX));
        assert_eq!(order(&a, &b), Some(Ordering::Less));
        assert_eq!(order(&Value::text("nan"), &b), None);
        assert_eq!(order(&Value::text(" 7 "), &Value::Float(6.5)), Some(Ordering::Greater));
    }
}
