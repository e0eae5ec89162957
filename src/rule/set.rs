//! A set of expected values, sorted once so that a long list of observed ones costs little.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::sameness::{Sameness, sameness};
use crate::model::Value;

/// Expected values, prepared for membership.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Set {
    /// As written, for messages; shares its elements with the parameter it comes from.
    source: Value,
    numbers: Vec<i64>,
    texts: Vec<Arc<str>>,
    /// Numbers that are written as text.
    text_numbers: Vec<i64>,
    /// Networks that are written as text with a slash; they contain their addresses.
    networks: Vec<IpNet>,
    /// Everything that has no sorted list of its own.
    others: Vec<Value>,
}

impl Set {
    /// Prepares the elements of a list, or the one value that is no list.
    pub(super) fn of(value: &Value) -> Self {
        let items = value.as_list().unwrap_or(std::slice::from_ref(value));
        let mut set = Self { source: value.clone(), ..Self::default() };
        for item in items {
            match item {
                Value::Int(number) => set.numbers.push(*number),
                Value::Text(text) => {
                    set.texts.push(text.clone());
                    set.text_numbers.extend(text.trim().parse::<i64>());
                    set.networks.extend(text.trim().parse::<IpNet>());
                }
                other => set.others.push(other.clone()),
            }
        }
        set.numbers.sort_unstable();
        set.text_numbers.sort_unstable();
        set.texts.sort_unstable();
        set
    }

    /// The elements as written.
    pub(super) fn items(&self) -> &[Value] {
        self.source.as_list().unwrap_or(std::slice::from_ref(&self.source))
    }

    /// What it was made of: a list, or its one element.
    pub(super) fn source(&self) -> &Value {
        &self.source
    }

    /// How an observed value stands to the set: [`Sameness::Same`] when it is in it.
    pub(super) fn find(&self, observed: &Value) -> Sameness {
        let found = match observed {
            Value::Int(number) => {
                self.numbers.binary_search(number).is_ok() || self.text_numbers.binary_search(number).is_ok()
            }
            Value::Text(text) => {
                self.texts.binary_search_by(|item| (**item).cmp(text)).is_ok()
                    || (!self.numbers.is_empty()
                        && text.trim().parse().is_ok_and(|number| self.numbers.binary_search(&number).is_ok()))
                    || self.contains_address(text)
            }
            _ => return self.compare(observed),
        };
        if found { Sameness::Same } else { self.compare(observed) }
    }

    fn contains_address(&self, text: &str) -> bool {
        let address = || text.trim().parse::<IpAddr>();
        !self.networks.is_empty()
            && address().is_ok_and(|address| self.networks.iter().any(|network| network.contains(&address)))
    }

    /// Compares with representatives only where the sorted lists have answered already.
    fn compare(&self, observed: &Value) -> Sameness {
        if self.items().is_empty() {
            return Sameness::Different;
        }
        let exact = matches!(observed, Value::Int(_) | Value::Text(_));
        let first_number = self.numbers.first().map(|number| Value::Int(*number));
        let first_text = self.texts.first().map(|text| Value::Text(text.clone()));
        let mut best = Sameness::Incomparable;
        let mut weigh = |found: Sameness| match (best, found) {
            (_, Sameness::Same) | (Sameness::Same, _) => best = Sameness::Same,
            (Sameness::Different, _) | (_, Sameness::Different) => best = Sameness::Different,
            (_, Sameness::Unlike) => best = Sameness::Unlike,
            _ => {}
        };
        if exact {
            let representatives = first_number.iter().chain(first_text.iter()).chain(&self.others);
            representatives.for_each(|item| weigh(sameness(observed, item)));
        } else {
            self.items().iter().for_each(|item| weigh(sameness(observed, item)));
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(json: &str) -> Set {
        Set::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn membership_looks_through_spelling() {
        let ports = set(r#"[22, "80", 443.0, true]"#);
        for inside in [Value::Int(22), "22".into(), Value::Int(80), "80".into(), Value::Int(443), Value::Float(22.0)] {
            assert_eq!(ports.find(&inside), Sameness::Same, "{inside}");
        }
        assert_eq!(ports.find(&Value::Int(23)), Sameness::Different);
        assert_eq!(ports.find(&"yes".into()), Sameness::Same);
    }

    #[test]
    fn a_network_contains_its_addresses() {
        let networks = set(r#"["10.0.0.0/8", "2001:db8::/32", "n/a", "192.0.2.7"]"#);
        for inside in ["10.1.2.3", "2001:db8::1", "192.0.2.7", "10.0.0.0/8", "n/a"] {
            assert_eq!(networks.find(&inside.into()), Sameness::Same, "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "10.0.0.0/9", "10.1.2", "x"] {
            assert_eq!(networks.find(&outside.into()), Sameness::Different, "{outside}");
        }
    }

    #[test]
    fn an_element_of_another_kind_is_not_proven_away() {
        assert_eq!(set(r#"["rc4","des"]"#).find(&Value::Int(5)), Sameness::Unlike);
        assert_eq!(set("[1, 2]").find(&"x".into()), Sameness::Incomparable);
        assert_eq!(set(r#"[1, "a"]"#).find(&"x".into()), Sameness::Different);
        assert_eq!(set("[]").find(&"x".into()), Sameness::Different);
        assert_eq!(set("[[1]]").find(&Value::list([Value::Int(1)])), Sameness::Same);
    }
}
