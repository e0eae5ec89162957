//! One row a line: `ss -Hltn`, package lists, account lists.

use serde::Deserialize;

use super::cell::Types;
use super::{Extracted, is_comment, unreadable};
use crate::model::Value;
use crate::rule::pattern::Pattern;

/// Reads lines into a list of texts, or of maps when `fields` is given.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Lines {
    skip_empty: bool,
    comment: String,
    #[serde(rename = "match")]
    matching: Option<Pattern>,
    fields: Option<Pattern>,
    strict: bool,
    types: Types,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            skip_empty: true,
            comment: String::new(),
            matching: None,
            fields: None,
            strict: false,
            types: Types::default(),
        }
    }
}

impl Lines {
    pub(super) fn check(&self) -> Result<(), String> {
        match &self.fields {
            Some(fields) if !fields.has_names() => {
                Err("`fields` needs at least one named group, such as (?P<port>\\d+)".to_owned())
            }
            None if self.strict => Err("`strict` needs `fields`: it refuses lines that do not fit them".to_owned()),
            _ => Ok(()),
        }
    }

    pub(super) fn extract(&self, text: &str) -> Extracted {
        let mut rows = Vec::new();
        for line in text.lines().map(str::trim_end).filter(|line| self.takes(line)) {
            let Some(fields) = &self.fields else {
                rows.push(Value::text(line.trim()));
                continue;
            };
            match super::capture::row(fields, line, &self.types) {
                Some(row) => rows.push(row),
                None if self.strict => {
                    return Err(unreadable(format!("the line {} does not have the expected form", super::quote(line))));
                }
                None => {}
            }
        }
        Ok(Value::list(rows))
    }

    fn takes(&self, line: &str) -> bool {
        let skipped = self.skip_empty && line.trim().is_empty() || is_comment(line.trim_start(), &self.comment);
        !skipped && self.matching.as_ref().is_none_or(|pattern| pattern.regex().is_match(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(spec: &str) -> Lines {
        serde_saphyr::from_str(spec).unwrap()
    }

    #[test]
    fn lines_become_texts_without_empty_ones_and_comments() {
        let value = lines("{comment: '#', match: '^[a-z]'}").extract("# c\nalice\n\n  \nBob\ncarol \r\n").unwrap();
        assert_eq!(value, Value::list(["alice".into(), "carol".into()]));
    }

    #[test]
    fn fields_make_rows_and_other_lines_are_dropped() {
        let spec = lines(r"{fields: '^(?P<proto>tcp|udp) \S+:(?P<port>\d+)(?: (?P<process>\S+))?$'}");
        let value = spec.extract("tcp 0.0.0.0:22 sshd\nnoise\nudp [::]:68\n").unwrap();
        let rows = value.as_list().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get("port"), Some(&Value::Int(22)));
        assert_eq!(rows[1].get("process"), None, "a group that took no part is absent, not empty");
    }

    #[test]
    fn a_strict_reader_refuses_what_it_does_not_know() {
        let error = lines(r"{fields: '^(?P<n>\d+)$', strict: true}").extract("1\nx\u{7}\n").unwrap_err();
        assert_eq!(error.cause, crate::model::Cause::Parse);
        assert!(error.detail.contains(r"x\u{7}"), "{}", error.detail);
    }

    #[test]
    fn a_pattern_without_names_is_refused_at_load() {
        assert!(lines("{fields: '^a'}").check().is_err());
        assert!(lines("{strict: true}").check().is_err());
    }
}
