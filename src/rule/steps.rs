//! Row steps, `then:` in a fact file: small changes to what was read, in order.
//!
//! Steps shape rows; they do not judge. A step that does not fit a value leaves it as it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::beyond::{Beyond, Elapsed, Join};
use super::sameness::Sameness;
use super::set::Set;
use crate::model::Value;

type Fields = BTreeMap<Arc<str>, Value>;

/// One step and where in the value it works.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    at: String,
    action: Action,
    filter: Filter,
}

/// What is done to each row.
#[derive(Debug, Clone, PartialEq)]
enum Action {
    /// Rows that do not fit the filter go; so does a row that lacks a field of it.
    Filter,
    /// Fields get fixed values.
    Set(Fields),
    /// One field is translated.
    Translate(Translation),
    /// Other fields go.
    Keep(Vec<Arc<str>>),
    /// Fields come from another table.
    Join(Join),
    /// A time becomes an age.
    Elapsed(Elapsed),
    /// Several fields become one text.
    Compose(Composition),
}

/// `compose: { to: link, of: [port, neighbour] }`: the fields with a space between them, as people write such a thing in a
/// list of what is approved. A row that lacks one lacks the text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Composition {
    to: Arc<str>,
    of: Vec<Arc<str>>,
}

/// `map: { field: x, from: { a: b }, default: c, to: y }`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translation {
    field: Arc<str>,
    from: Fields,
    #[serde(default)]
    default: Option<Value>,
    /// The field that takes the result; the same one when left out.
    #[serde(default)]
    to: Option<Arc<str>>,
}

/// Field values that a row must have; all of them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Filter(Vec<(Arc<str>, Set)>);

impl Filter {
    fn admits(&self, row: &Value) -> bool {
        self.0.iter().all(|(field, allowed)| allowed.find(row.at(field).unwrap_or(&Value::Null)) == Sameness::Same)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        Ok(Self(fields.into_iter().map(|(field, value)| (field, Set::of(&value))).collect()))
    }
}

/// Applies steps in order.
#[must_use]
pub fn apply(steps: &[Step], value: Value) -> Value {
    steps.iter().fold(value, |value, step| {
        let beyond = match &step.action {
            Action::Join(join) => join.beyond(&value),
            Action::Elapsed(elapsed) => elapsed.beyond(&value),
            _ => Beyond::Nothing,
        };
        step.apply_at(&step.at, value, &beyond)
    })
}

impl Step {
    fn apply_at(&self, path: &str, value: Value, beyond: &Beyond) -> Value {
        if path.is_empty() {
            return self.apply_here(value, beyond);
        }
        let (head, rest) = match value.get(path) {
            Some(_) => (path, ""),
            None => path.split_once('.').unwrap_or((path, "")),
        };
        match value {
            Value::Map(mut fields) if fields.contains_key(head) => {
                if let Some(field) = Arc::make_mut(&mut fields).get_mut(head) {
                    *field = self.apply_at(rest, std::mem::take(field), beyond);
                }
                Value::Map(fields)
            }
            other => other,
        }
    }

    fn apply_here(&self, value: Value, beyond: &Beyond) -> Value {
        match value {
            Value::List(rows) => {
                let rows = Arc::unwrap_or_clone(rows).into_iter();
                if self.action == Action::Filter {
                    return Value::list(rows.filter(|row| self.filter.admits(row)));
                }
                Value::list(rows.map(|row| self.change(row, beyond)))
            }
            one => self.change(one, beyond),
        }
    }

    fn change(&self, row: Value, beyond: &Beyond) -> Value {
        if !self.filter.admits(&row) {
            return row;
        }
        let Value::Map(mut fields) = row else { return row };
        let change = Arc::make_mut(&mut fields);
        match &self.action {
            Action::Filter => {}
            Action::Set(new) => change.extend(new.clone()),
            Action::Translate(translation) => translation.apply(change),
            Action::Keep(names) => change.retain(|name, _| names.contains(name)),
            Action::Join(join) => join.apply(change, beyond),
            Action::Elapsed(elapsed) => elapsed.apply(change, beyond),
            Action::Compose(composition) => composition.apply(change),
        }
        Value::Map(fields)
    }
}

impl Composition {
    fn apply(&self, fields: &mut Fields) {
        let parts: Option<Vec<String>> = self.of.iter().map(|name| fields.get(name).map(Value::to_string)).collect();
        if let Some(parts) = parts {
            fields.insert(self.to.clone(), Value::text(parts.join(" ")));
        }
    }
}

impl Translation {
    fn apply(&self, fields: &mut Fields) {
        let Some(value) = fields.get(&self.field) else { return };
        let key = value.to_string();
        if let Some(new) = self.from.get(key.as_str()).or(self.default.as_ref()) {
            let field = self.to.as_ref().unwrap_or(&self.field).clone();
            fields.insert(field, new.clone());
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    At,
    Filter,
    Set,
    Where,
    Map,
    Keep,
    Join,
    Elapsed,
    Compose,
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StepVisitor;
        impl<'de> Visitor<'de> for StepVisitor {
            type Value = Step;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a step: one of filter, set, map, keep, join, elapsed, compose, and optionally at and where",
                )
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Step, A::Error> {
                step(map)
            }
        }
        deserializer.deserialize_map(StepVisitor)
    }
}

fn step<'de, A: MapAccess<'de>>(mut map: A) -> Result<Step, A::Error> {
    let (mut at, mut filter, mut condition) = (String::new(), None, None);
    let mut actions = Vec::new();
    while let Some(key) = map.next_key()? {
        match key {
            Key::At => at = map.next_value()?,
            Key::Where => condition = Some(map.next_value()?),
            Key::Filter => {
                filter = Some(map.next_value()?);
                actions.push(Action::Filter);
            }
            Key::Set => actions.push(Action::Set(map.next_value()?)),
            Key::Map => actions.push(Action::Translate(map.next_value()?)),
            Key::Keep => actions.push(Action::Keep(map.next_value()?)),
            Key::Join => actions.push(Action::Join(map.next_value()?)),
            Key::Elapsed => actions.push(Action::Elapsed(map.next_value()?)),
            Key::Compose => actions.push(Action::Compose(map.next_value()?)),
        }
    }
    let action = actions
        .pop()
        .ok_or_else(|| A::Error::custom("a step does one of filter, set, map, keep, join, elapsed, compose"))?;
    if !actions.is_empty() {
        return Err(A::Error::custom("a step does one thing; write two steps"));
    }
    if filter.is_some() && condition.is_some() {
        return Err(A::Error::custom("`filter` is its own condition; leave `where` out"));
    }
    Ok(Step { at, action, filter: filter.or(condition).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: &str, value: &str) -> serde_json::Value {
        let steps: Vec<Step> = serde_saphyr::from_str(steps).unwrap();
        apply(&steps, serde_json::from_str(value).unwrap()).to_json()
    }

    #[test]
    fn rows_are_filtered_changed_and_trimmed_in_order() {
        let steps = "
- filter: { proto: [tcp, udp] }
- set: { exposed: false }
  where: { address: 127.0.0.1 }
- map: { field: proto, from: { tcp: TCP }, default: other }
- keep: [proto, exposed]
";
        let rows = r#"[{"proto":"tcp","address":"127.0.0.1"},{"proto":"udp","address":"::"},{"proto":"raw"},{}]"#;
        assert_eq!(run(steps, rows), serde_json::json!([{"proto": "TCP", "exposed": false}, {"proto": "other"}]));
    }

    #[test]
    fn a_step_works_at_a_path_and_on_a_single_map() {
        let steps = "[{at: a.rows, filter: {n: 1}}, {at: gone.rows, keep: [x]}, {set: {k: 1}}]";
        let value = r#"{"a":{"rows":[{"n":1},{"n":"1"},{"n":2}]}}"#;
        assert_eq!(run(steps, value), serde_json::json!({"a": {"rows": [{"n": 1}, {"n": "1"}]}, "k": 1}));
    }

    #[test]
    fn a_translation_may_write_another_field_and_leaves_strangers() {
        let steps = "[{map: {field: v, from: {'1': up, '2': down}, to: state}}]";
        assert_eq!(run(steps, r#"[{"v":1},{"v":7}]"#), serde_json::json!([{"v": 1, "state": "up"}, {"v": 7}]));
    }

    #[test]
    fn rows_take_fields_from_the_rows_of_another_table() {
        let steps = "
- { at: ports, join: { with: names, field: ifindex, take: [name] } }
- { at: macs, join: { with: ports, field: port, take: [ifindex, name] } }
";
        let value = r#"{"macs":[{"port":3},{"port":9},{"port":3,"name":"own"},{}],
            "ports":[{"index":"3","ifindex":103}],"names":[{"index":"103","name":"Gi0/3"}]}"#;
        let macs = serde_json::json!([
            {"port": 3, "ifindex": 103, "name": "Gi0/3"},
            {"port": 9},
            {"port": 3, "ifindex": 103, "name": "own"},
            {},
        ]);
        assert_eq!(run(steps, value)["macs"], macs);
        let alone = r#"{"macs":[{"port":3}]}"#;
        assert_eq!(run(steps, alone)["macs"], serde_json::json!([{"port": 3}]), "no other table, no fields");
    }

    #[test]
    fn a_time_of_the_devices_clock_becomes_an_age_in_days() {
        let steps = "[{at: ports, elapsed: {field: changed, until: uptime, to: idle}}]";
        let value =
            r#"{"uptime":17280000,"ports":[{"changed":8640000},{"changed":0},{"changed":"x"},{"changed":4286327296}]}"#;
        let ports = serde_json::json!([
            {"changed": 8_640_000, "idle": 1.0},
            {"changed": 0, "idle": 2.0},
            {"changed": "x"},
            {"changed": 4_286_327_296_u32, "idle": 3.0},
        ]);
        assert_eq!(run(steps, value)["ports"], ports, "the last one changed before the clock began anew");
        let blind = run(steps, r#"{"ports":[{"changed":5}]}"#);
        assert_eq!(blind["ports"], serde_json::json!([{"changed": 5}]), "without a clock there is no age");
    }

    #[test]
    fn fields_are_put_together_as_people_write_them() {
        let steps = "[{compose: {to: link, of: [port, vlan]}}]";
        let rows = r#"[{"port":"Gi0/1","vlan":10},{"port":"Gi0/2"}]"#;
        let composed = serde_json::json!([{"port": "Gi0/1", "vlan": 10, "link": "Gi0/1 10"}, {"port": "Gi0/2"}]);
        assert_eq!(run(steps, rows), composed);
    }

    #[test]
    fn a_step_that_says_too_little_or_too_much_is_refused() {
        for bad in [
            "{at: a}",
            "{keep: [a], set: {b: 1}}",
            "{filter: {a: 1}, where: {b: 1}}",
            "{drop: [a]}",
            "{map: {field: a}}",
            "{join: {with: a, field: b}}",
        ] {
            assert!(serde_saphyr::from_str::<Step>(bad).is_err(), "{bad}");
        }
    }
}
