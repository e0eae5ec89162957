//! The answer of a monitoring plug-in: exit code, text and performance data
//! (<https://www.monitoring-plugins.org/doc/guidelines.html>).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::model::Value;

const STATES: [&str; 4] = ["ok", "warning", "critical", "unknown"];

/// Reads a plug-in's output; exit codes 0 to 3 are all good answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nagios {}

impl Nagios {
    pub(super) fn extract(text: &str, exit: i32) -> Value {
        let (said, measured): (Vec<&str>, Vec<&str>) =
            text.lines().map(|line| line.split_once('|').unwrap_or((line, ""))).unzip();
        let state = usize::try_from(exit).ok().and_then(|code| STATES.get(code)).unwrap_or(&"unknown");
        Value::map([
            ("code", Value::Int(i64::from(exit))),
            ("state", Value::text(state)),
            ("text", Value::text(said.first().map_or("", |line| line.trim()))),
            ("perf", perf(&measured.join(" "))),
        ])
    }
}

/// `'label'=value[unit];[warn];[crit];[min];[max]`, separated by blanks.
fn perf(text: &str) -> Value {
    let mut labels = BTreeMap::new();
    let mut rest = text.trim();
    while let Some((label, after)) = label(rest) {
        let (data, next) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        if let Some(value) = datum(data) {
            labels.insert(Arc::from(label), value);
        }
        rest = next.trim_start();
    }
    Value::Map(Arc::new(labels))
}

fn label(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (label, rest) = quoted.split_once("'=")?;
        return Some((label.replace("''", "'"), rest));
    }
    let (label, rest) = text.split_once('=')?;
    Some((label.trim().to_owned(), rest))
}

fn datum(text: &str) -> Option<Value> {
    const NAMES: [&str; 4] = ["warn", "crit", "min", "max"];
    let mut parts = text.split(';');
    let first = parts.next()?;
    let (number, unit) = first.split_at(first.find(|c: char| !"0123456789.+-eE".contains(c)).unwrap_or(first.len()));
    let mut fields = vec![("value", number_of(number)?), ("unit", Value::text(unit))];
    fields.extend(
        NAMES
            .into_iter()
            .zip(parts)
            .filter(|(_, part)| !part.is_empty())
            .map(|(name, part)| (name, number_of(part).unwrap_or_else(|| Value::text(part)))),
    );
    Some(Value::map(fields))
}

fn number_of(text: &str) -> Option<Value> {
    text.parse()
        .map(Value::Int)
        .ok()
        .or_else(|| text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Float))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plug_in_answer_is_taken_apart() {
        let text = "DISK WARNING - /: 12% free | '/ used'=88%;80;90;0;100 time=0.5s\nmore text | inodes=7\n";
        let value = Nagios::extract(text, 1);
        assert_eq!(value.get("state"), Some(&Value::text("warning")));
        assert_eq!(value.get("text"), Some(&Value::text("DISK WARNING - /: 12% free")));
        let perf = value.get("perf").unwrap();
        assert_eq!(perf.get("/ used").unwrap().get("value"), Some(&Value::Int(88)));
        assert_eq!(perf.get("/ used").unwrap().get("crit"), Some(&Value::Int(90)));
        assert_eq!(perf.get("time").unwrap().get("value"), Some(&Value::Float(0.5)));
        assert_eq!(perf.get("time").unwrap().get("unit"), Some(&Value::text("s")));
        assert_eq!(perf.get("inodes").unwrap().get("value"), Some(&Value::Int(7)));
    }

    #[test]
    fn odd_performance_data_is_left_out() {
        let value = Nagios::extract("OK | a=U b=1;10:20 '=c", 0);
        let perf = value.get("perf").unwrap().as_map().unwrap();
        assert_eq!(perf.len(), 1);
        assert_eq!(perf["b"].get("warn"), Some(&Value::text("10:20")));
    }
}
