//! Columns: `/etc/passwd`, `df -P`, exported lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::cell::Types;
use super::{Extracted, is_comment, quote, unreadable};
use crate::model::Value;

/// Reads lines of cells into a list of maps.
///
/// With blanks as separator the last column takes the rest of the line; with any other, surplus cells
/// are dropped. A column named `_` or `-` is skipped. A cell that a line lacks is absent from its row. A line
/// of one cell where there are several columns is no row of this table: a complaint or a usage text of some
/// tool, which as a row would look like a host that has nothing to be found fault with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Table {
    separator: String,
    columns: Vec<Arc<str>>,
    header: bool,
    comment: String,
    types: Types,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            separator: "whitespace".to_owned(),
            columns: Vec::new(),
            header: false,
            comment: String::new(),
            types: Types::default(),
        }
    }
}

impl Table {
    pub(super) fn check(&self) -> Result<(), String> {
        match () {
            () if self.separator.is_empty() => {
                Err("`separator` must not be empty; write `whitespace` for blanks".into())
            }
            () if self.columns.is_empty() && !self.header => {
                Err("name the `columns`, or say `header: true` when the first line does".into())
            }
            () => Ok(()),
        }
    }

    pub(super) fn extract(&self, text: &str) -> Extracted {
        let mut lines = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.trim().is_empty() && !is_comment(line.trim_start(), &self.comment));
        let heading = if self.header { lines.next() } else { None };
        let columns =
            if self.columns.is_empty() { self.heading(heading.unwrap_or_default()) } else { self.columns.clone() };
        let rows = lines.map(|line| {
            if columns.len() > 1 && self.cells(line, columns.len()).nth(1).is_none() {
                return Err(unreadable(format!("the line {} is no row of the table: it has one cell", quote(line))));
            }
            Ok(self.row(&columns, line))
        });
        rows.collect::<Result<Vec<_>, _>>().map(Value::list)
    }

    fn heading(&self, line: &str) -> Vec<Arc<str>> {
        self.cells(line, usize::MAX).map(|name| Arc::from(name.to_lowercase())).collect()
    }

    fn row(&self, columns: &[Arc<str>], line: &str) -> Value {
        let cells =
            columns.iter().zip(self.cells(line, columns.len())).filter(|(name, _)| !matches!(&***name, "_" | "-"));
        let fields = cells.map(|(name, cell)| (name.clone(), self.types.read(name, cell)));
        Value::Map(Arc::new(fields.collect::<BTreeMap<_, _>>()))
    }

    fn cells<'a>(&'a self, line: &'a str, count: usize) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        if self.separator.trim().is_empty() && self.separator != "\t" || self.separator == "whitespace" {
            return Box::new(Blanks { rest: line, left: count });
        }
        Box::new(line.split(self.separator.as_str()).map(str::trim))
    }
}

/// Cells between runs of blanks; the last takes the rest of the line.
struct Blanks<'a> {
    rest: &'a str,
    left: usize,
}

impl<'a> Iterator for Blanks<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim();
        if rest.is_empty() || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let (cell, rest) = match rest.split_once(char::is_whitespace) {
            Some((cell, rest)) if self.left > 0 => (cell, rest),
            _ => (rest, ""),
        };
        self.rest = rest;
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: &str, text: &str) -> Value {
        let spec: Table = serde_saphyr::from_str(spec).unwrap();
        spec.check().unwrap();
        spec.extract(text).unwrap()
    }

    #[test]
    fn passwd_lines_become_rows() {
        let value = read("{separator: ':', columns: [user, _, uid]}", "root:x:0:0:root:/root:/bin/sh\nshort:x\n");
        let rows = value.as_list().unwrap();
        assert_eq!(rows[0], Value::map([("user", "root".into()), ("uid", Value::Int(0))]));
        assert_eq!(rows[1], Value::map([("user", "short".into())]));
    }

    #[test]
    fn a_complaint_of_a_tool_is_no_row() {
        for separator in [":", "whitespace"] {
            let table: Table =
                serde_saphyr::from_str(&format!("{{separator: '{separator}', columns: [user, uid]}}")).unwrap();
            let error = table.extract("root:0 root\nUsage\n").unwrap_err();
            assert_eq!(error.cause, crate::model::Cause::Parse);
            assert!(error.detail.contains("\"Usage\" is no row"), "{error:?}");
        }
        let one: Table = serde_saphyr::from_str("{separator: ':', columns: [user]}").unwrap();
        assert_eq!(one.extract("root\n").unwrap().as_list().unwrap().len(), 1);
    }

    #[test]
    fn the_last_column_between_blanks_takes_the_rest() {
        let value = read("{separator: whitespace, columns: [pid, command]}", "  1   /sbin/init splash\n");
        assert_eq!(value.as_list().unwrap()[0].get("command"), Some(&Value::text("/sbin/init splash")));
    }

    #[test]
    fn a_heading_names_the_columns() {
        let value = read("{separator: \"\\t\", header: true, comment: '#'}", "# c\nName\tState\na\t1\n");
        assert_eq!(value, Value::list([Value::map([("name", "a".into()), ("state", Value::Int(1))])]));
    }

    #[test]
    fn a_table_without_columns_is_refused() {
        let table: Table = serde_saphyr::from_str("{separator: ':'}").unwrap();
        assert!(table.check().is_err());
    }
}
