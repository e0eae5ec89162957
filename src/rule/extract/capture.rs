//! Named groups of one regular expression.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::Extracted;
use super::cell::Types;
use crate::model::{Cause, Missing, Value};
use crate::rule::pattern::Pattern;

/// The commonest mistake of who writes a pattern over a whole output.
const ENDS_WITH_A_BREAK: &str = r"the line break at its end is in the way: end the pattern with \s*$";

/// Reads the first match, or all of them, of a pattern over the whole text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capture {
    pattern: Pattern,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    types: Types,
}

impl Capture {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.pattern.has_names() {
            return Ok(());
        }
        Err("`pattern` needs at least one named group, such as (?P<version>[0-9.]+)".to_owned())
    }

    /// Whether every match is a row.
    pub(super) fn takes_all(&self) -> bool {
        self.all
    }

    pub(super) fn extract(&self, text: &str) -> Extracted {
        if self.all {
            let rows = self.pattern.regex().captures_iter(text).map(|found| fields(&self.pattern, &found, &self.types));
            return Ok(Value::list(rows.take(super::HARD_MAX_ROWS + 1)));
        }
        row(&self.pattern, text, &self.types).ok_or_else(|| {
            let without_end = self.pattern.regex().is_match(text.trim_end());
            let way_out = if without_end { ENDS_WITH_A_BREAK } else { "check that the fact fits this version" };
            Missing::new(Cause::NoData, format!("nothing in the output matches {:?}; {way_out}", self.pattern))
        })
    }
}

/// The named groups of the first match; a group that took no part is absent.
pub(super) fn row(pattern: &Pattern, text: &str, types: &Types) -> Option<Value> {
    pattern.regex().captures(text).map(|found| fields(pattern, &found, types))
}

fn fields(pattern: &Pattern, found: &regex::Captures<'_>, types: &Types) -> Value {
    let groups = pattern.regex().capture_names().flatten().filter_map(|name| {
        let text = found.name(name)?.as_str().trim();
        Some((Arc::from(name), types.read(name, text)))
    });
    Value::Map(Arc::new(groups.collect::<BTreeMap<Arc<str>, Value>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(spec: &str) -> Capture {
        serde_saphyr::from_str(spec).unwrap()
    }

    #[test]
    fn the_first_match_becomes_a_map() {
        let spec = capture(r"{pattern: 'Version (?P<version>[\d.]+), build (?P<build>\d+)'}");
        let value = spec.extract("x\nVersion 4.5.2, build 12\n").unwrap();
        assert_eq!(value.get("version"), Some(&Value::text("4.5.2")));
        assert_eq!(value.get("build"), Some(&Value::Int(12)));
    }

    #[test]
    fn no_match_is_no_data() {
        let error = capture("{pattern: '(?P<v>x)'}").extract("y").unwrap_err();
        assert_eq!(error.cause, Cause::NoData);
        assert!(error.detail.contains("check that the fact fits"), "{error:?}");
    }

    #[test]
    fn a_pattern_that_forgot_the_last_line_break_is_told_so() {
        let error = capture("{pattern: '^(?P<v>[0-9]+)$'}").extract("12\n").unwrap_err();
        assert!(error.detail.contains(r"end the pattern with \s*$"), "{error:?}");
    }

    #[test]
    fn all_matches_become_rows() {
        let value = capture(r"{pattern: '(?P<n>\d+)', all: true, types: {n: text}}").extract("1 2").unwrap();
        assert_eq!(value.as_list().unwrap()[1].get("n"), Some(&Value::text("2")));
    }

    #[test]
    fn a_pattern_without_names_is_refused() {
        assert!(capture("{pattern: 'x'}").check().is_err());
    }
}
