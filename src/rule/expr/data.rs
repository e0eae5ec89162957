//! What an expression is given: only the fields that it names, without copying texts, integers always signed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;

use super::guard::Path;
use crate::model::Value;

/// One path and the value at it.
pub(super) struct Given<'v> {
    pub(super) path: &'v Path,
    /// The fields still to go below `value`.
    pub(super) value: Option<Cow<'v, Value>>,
}

/// Fields by name, down to the values.
pub(super) enum Tree<'v> {
    Branch(BTreeMap<&'v str, Tree<'v>>),
    Leaf(&'v Value),
}

impl<'v> Tree<'v> {
    /// Puts every value at its path; a path without a value leaves its parent, so that `has()` answers.
    pub(super) fn of(given: &'v [Given<'v>]) -> BTreeMap<&'v str, Self> {
        let mut roots = BTreeMap::new();
        for Given { path, value } in given {
            let mut at = roots.entry(path.variable.as_str()).or_insert_with(|| Self::Branch(BTreeMap::new()));
            let Some((last, parents)) = path.fields.split_last() else {
                if let Some(value) = value {
                    *at = Self::Leaf(value);
                }
                continue;
            };
            for field in parents {
                let Self::Branch(fields) = at else { break };
                at = fields.entry(field).or_insert_with(|| Self::Branch(BTreeMap::new()));
            }
            if let (Self::Branch(fields), Some(value)) = (at, value) {
                fields.insert(last, Self::Leaf(value));
            }
        }
        roots
    }

    /// The same for the interpreter.
    pub(super) fn into_val(self) -> Box<dyn Val + 'v> {
        match self {
            Self::Leaf(value) => val(value),
            Self::Branch(fields) => map(fields.into_iter().map(|(name, tree)| (name, tree.into_val()))),
        }
    }
}

fn val(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Int(number) => Box::new(CelInt::from(*number)),
        Value::Float(number) => Box::new(CelDouble::from(*number)),
        Value::Text(text) => Box::new(CelString::from(&**text)),
        Value::List(items) => Box::new(CelList::from(items.iter().map(val).collect::<Vec<_>>())),
        Value::Map(fields) => map(fields.iter().map(|(name, value)| (&**name, val(value)))),
    }
}

fn map<'v>(fields: impl Iterator<Item = (&'v str, Box<dyn Val + 'v>)>) -> Box<dyn Val + 'v> {
    let fields: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> =
        fields.map(|(name, value)| (CelMapKey::String(CelString::from(name)), value)).collect();
    Box::new(CelMap::from(fields))
}

/// List elements in a value, at any depth, counted up to a limit.
pub(super) fn rows(value: &Value, limit: usize) -> usize {
    let sum = |values: &mut dyn Iterator<Item = &Value>, start: usize| {
        let mut total = start;
        for value in values {
            if total > limit {
                break;
            }
            total += rows(value, limit);
        }
        total
    };
    match value {
        Value::List(items) => sum(&mut items.iter(), items.len()),
        Value::Map(fields) => sum(&mut fields.values(), 0),
        _ => 0,
    }
}
