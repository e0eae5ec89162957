//! The elements of a subject that a test looks at.

use super::test::{Admission, Selection};
use crate::model::{Cause, Value};

/// One thing to be judged, or the reason why a row has none.
pub(super) enum Item<'a> {
    /// A value, and the row it comes from when it is a field of one.
    Value(&'a Value, Option<Row<'a>>),
    /// A row that lacks the field.
    Absent(Row<'a>),
    /// A row of which nobody can tell whether it counts, because it lacks this field of `where`.
    Unclear(Row<'a>, &'a str),
}

/// A row and, in a map of rows, its key.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) fields: &'a Value,
}

/// Fields that tell a row from its neighbours, best first.
const LABELS: [&str; 19] = [
    "name",
    "port",
    "package",
    "user",
    "account",
    "interface",
    "service",
    "process",
    "unit",
    "label",
    "mount",
    "path",
    "file",
    "key",
    "id",
    "host",
    "address",
    "subject",
    "index",
];

impl Row<'_> {
    /// Why a row has less than others, where it says so itself: `cause` in our own words, and `detail`.
    pub(super) fn why(&self) -> Option<(Cause, String)> {
        let cause = Cause::from_word(self.fields.get("cause")?.as_text()?)?;
        Some((cause, self.fields.get("detail").map_or_else(|| cause.to_string(), super::shown)))
    }

    /// A short name for the row: its key, else its first telling field other than the one that offends.
    pub(super) fn label(&self, field: Option<&str>) -> Option<String> {
        if let Some(key) = self.key {
            return Some(super::shown(&Value::text(key)));
        }
        let telling = LABELS.iter().filter(|name| Some(**name) != field).find_map(|name| self.fields.get(name));
        telling.map(super::shown)
    }
}

/// A short name for a row that stands alone: its first telling field, else the whole of it.
pub(in crate::rule) fn row_name(row: &Value) -> String {
    Row { key: None, fields: row }.label(None).unwrap_or_else(|| super::shown(row))
}

/// Visits every element that counts. A field that is a list counts element by element when `flat`.
///
/// A subject that is a list has its elements as rows; a map of maps has its values, when the test wants rows;
/// anything else is the one row.
pub(super) fn visit<'a>(subject: &'a Value, selection: &Selection<'a>, flat: bool, mut visit: impl FnMut(Item<'a>)) {
    let mut row = |key: Option<&'a str>, fields: &'a Value| {
        let row = Row { key, fields };
        match selection.admits(fields) {
            Admission::No => {}
            Admission::Unclear(field) => visit(Item::Unclear(row, field)),
            Admission::Yes => element(row, selection, flat, &mut visit),
        }
    };
    match subject {
        Value::List(items) => items.iter().for_each(|item| row(None, item)),
        Value::Map(fields) if is_keyed(subject, selection) => {
            fields.iter().for_each(|(key, fields)| row(Some(key), fields));
        }
        one => row(None, one),
    }
}

/// Whether a subject is a map of rows rather than a row.
pub(super) fn is_keyed(subject: &Value, selection: &Selection<'_>) -> bool {
    let Value::Map(fields) = subject else { return false };
    selection.wants_rows() && !fields.is_empty() && fields.values().all(|value| value.as_map().is_some())
}

fn element<'a>(row: Row<'a>, selection: &Selection<'a>, flat: bool, visit: &mut impl FnMut(Item<'a>)) {
    let mut value = |value: &'a Value, row: Option<Row<'a>>| {
        if !selection.excepts(value) {
            visit(Item::Value(value, row));
        }
    };
    let Some(field) = selection.field else { return value(row.fields, None) };
    match row.fields.at(field) {
        None | Some(Value::Null) => visit(Item::Absent(row)),
        Some(Value::List(items)) if flat => items.iter().for_each(|item| value(item, Some(row))),
        Some(one) => value(one, Some(row)),
    }
}
