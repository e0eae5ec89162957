//! From a piece of text to a typed value.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::octets;
use crate::model::Value;

/// More digits than this stay text: an identifier, not a quantity.
const MAX_DIGITS: usize = 18;

/// What a field is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CellType {
    /// A whole number.
    Int,
    /// Any number.
    Float,
    /// yes/no, true/false, on/off, enabled/disabled, 1/0.
    Bool,
    /// Elements between commas, or between blanks when there is no comma.
    List,
    /// Text, also when it looks like a number.
    Text,
    /// A hardware address, lower-case with colons.
    Mac,
    /// `any`, an address, a network with its length, its mask or its wildcard; becomes address/length.
    Network,
}

/// Types by field name; other fields become whole numbers when they look like one, else text.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Types(BTreeMap<String, CellType>);

impl Types {
    /// Types one field. A text that does not fit its type stays text, so that a matcher names it instead of guessing.
    pub(super) fn read(&self, field: &str, text: &str) -> Value {
        match self.0.get(field) {
            None => plain(text),
            Some(kind) => typed(*kind, text).unwrap_or_else(|| Value::text(text)),
        }
    }

    /// Applies a type to a value that is no text yet (an SNMP object).
    pub(super) fn cast(&self, field: &str, value: &Value) -> Value {
        match (self.0.get(field), value) {
            (Some(kind), Value::Text(text)) => typed(*kind, text).unwrap_or_else(|| value.clone()),
            (Some(CellType::Text), Value::Int(_) | Value::Float(_)) => Value::text(value.to_string()),
            #[expect(clippy::cast_precision_loss, reason = "asked for by the fact file")]
            (Some(CellType::Float), Value::Int(number)) => Value::Float(*number as f64),
            (Some(CellType::Bool), Value::Int(number @ (0 | 1))) => Value::Bool(*number == 1),
            _ => value.clone(),
        }
    }

    /// Whether a field is declared a list.
    pub(super) fn is_list(&self, field: &str) -> bool {
        self.0.get(field) == Some(&CellType::List)
    }
}

/// A plain decimal integer becomes a number; anything else, also one with leading zeros, stays text.
pub(super) fn plain(text: &str) -> Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let looks_like_one = !digits.is_empty()
        && digits.len() <= MAX_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == text || digits != "0")
        && (digits.len() == 1 || !digits.starts_with('0'));
    match text.parse() {
        Ok(number) if looks_like_one => Value::Int(number),
        _ => Value::text(text),
    }
}

fn typed(kind: CellType, whole: &str) -> Option<Value> {
    let text = whole.trim();
    match kind {
        CellType::Text => Some(Value::text(text)),
        CellType::Int => text.parse().ok().map(Value::Int),
        CellType::Float => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float),
        CellType::Bool => truth(text).map(Value::Bool),
        CellType::List => Some(list(text)),
        CellType::Mac => octets::mac_of_text(whole).map(Value::from),
        CellType::Network => super::network::network(text).map(Value::from),
    }
}

fn truth(text: &str) -> Option<bool> {
    const YES: [&str; 5] = ["yes", "true", "on", "enabled", "1"];
    const NO: [&str; 5] = ["no", "false", "off", "disabled", "0"];
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&YES) { Some(true) } else { is(&NO).then_some(false) }
}

fn list(text: &str) -> Value {
    let items: Vec<&str> =
        if text.contains(',') { text.split(',').collect() } else { text.split_whitespace().collect() };
    Value::list(items.into_iter().map(str::trim).filter(|item| !item.is_empty()).map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_integers_become_numbers() {
        for (text, expected) in [("22", 22), ("0", 0), ("-5", -5), ("999999999999999999", 999_999_999_999_999_999)] {
            assert_eq!(plain(text), Value::Int(expected));
        }
        for text in ["022", "-0", "+5", "1.5", "", "-", "1000000000000000000", "0x10", "٣"] {
            assert_eq!(plain(text), Value::text(text), "{text:?}");
        }
    }

    #[test]
    fn declared_types_are_obeyed_and_misfits_stay_text() {
        let types: Types =
            serde_json::from_str(r#"{"i":"int","f":"float","b":"bool","l":"list","t":"text","m":"mac"}"#).unwrap();
        assert_eq!(types.read("i", "007"), Value::Int(7));
        assert_eq!(types.read("i", "never"), Value::text("never"));
        assert_eq!(types.read("f", "1.5"), Value::Float(1.5));
        assert_eq!(types.read("f", "NaN"), Value::text("NaN"));
        assert_eq!(types.read("b", "Yes"), Value::Bool(true));
        assert_eq!(types.read("b", "disabled"), Value::Bool(false));
        assert_eq!(types.read("l", "a, b,,22"), Value::list(["a".into(), "b".into(), Value::Int(22)]));
        assert_eq!(types.read("l", "a b"), Value::list(["a".into(), "b".into()]));
        assert_eq!(types.read("t", "22"), Value::text("22"));
        assert_eq!(types.read("m", "0x001b1bff0001"), Value::text("00:1b:1b:ff:00:01"));
        assert_eq!(types.read("m", ""), Value::text(""));
        assert_eq!(types.read("other", "22"), Value::Int(22));
    }
}
