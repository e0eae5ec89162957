//! A single test: a subject, an operator, and which elements of the subject it looks at.

use std::borrow::Cow;
use std::sync::Arc;

use super::op::Op;
use super::operand::Operand;
use crate::model::{Missing, Value};
use crate::rule::Context;
use crate::rule::name::Name;
use crate::rule::sameness::Sameness;
use crate::rule::set::Set;

/// What an absent subject or field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum WhenAbsent {
    Holds,
    Fails,
    #[default]
    Unknown,
}

/// `{ fact: …, where: …, where_not: …, field: …, <op>: … }`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub(super) subject: Name,
    pub(super) op: Op,
    pub(super) field: Option<Arc<str>>,
    pub(super) filter: Vec<(Arc<str>, Operand)>,
    /// Rows that have any of these are passed over.
    pub(super) skip: Vec<(Arc<str>, Operand)>,
    pub(super) except: Option<Operand>,
    pub(super) when_absent: WhenAbsent,
}

impl Test {
    /// The names that it refers to.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        let operands = self.filter.iter().chain(&self.skip).map(|(_, operand)| operand).chain(&self.except);
        std::iter::once(&self.subject).chain(self.op.names()).chain(operands.filter_map(Operand::name))
    }

    /// Looks up which elements count.
    pub(super) fn selection<'a>(&'a self, context: &Context<'a>) -> Result<Selection<'a>, Missing> {
        Ok(Selection {
            field: self.field.as_deref(),
            filter: conditions(&self.filter, context)?,
            skip: conditions(&self.skip, context)?,
            except: self.except.as_ref().map(|operand| operand.set(context)).transpose()?,
        })
    }
}

type Conditions<'a> = Vec<(&'a str, Cow<'a, Set>)>;

fn conditions<'a>(written: &'a [(Arc<str>, Operand)], context: &Context<'a>) -> Result<Conditions<'a>, Missing> {
    written.iter().map(|(field, operand)| Ok((&**field, operand.set(context)?))).collect()
}

/// Which elements of a subject count, looked up.
pub(super) struct Selection<'a> {
    pub(super) field: Option<&'a str>,
    pub(super) filter: Conditions<'a>,
    pub(super) skip: Conditions<'a>,
    pub(super) except: Option<Cow<'a, Set>>,
}

/// Whether a row counts.
pub(super) enum Admission<'a> {
    Yes,
    No,
    /// The row does not have this field, so nobody can tell.
    Unclear(&'a str),
}

impl<'a> Selection<'a> {
    /// Whether the subject is looked at row by row.
    pub(super) fn wants_rows(&self) -> bool {
        self.field.is_some() || !self.filter.is_empty() || !self.skip.is_empty()
    }

    /// Whether a row counts: no field of `where` says otherwise, and none is absent (unless `null` is allowed). A row is
    /// passed over only for a field that it has.
    pub(super) fn admits(&self, row: &Value) -> Admission<'a> {
        let is_skipped =
            |(field, set): &(&str, Cow<'a, Set>)| row.at(field).is_some_and(|value| set.find(value) == Sameness::Same);
        if self.skip.iter().any(is_skipped) {
            return Admission::No;
        }
        let mut unclear = None;
        for (field, allowed) in &self.filter {
            match row.at(field) {
                Some(value) if *value != Value::Null => {
                    if allowed.find(value) != Sameness::Same {
                        return Admission::No;
                    }
                }
                _ if allowed.items().contains(&Value::Null) => {}
                _ => unclear = Some(*field),
            }
        }
        unclear.map_or(Admission::Yes, Admission::Unclear)
    }

    /// Whether an element is excepted.
    pub(super) fn excepts(&self, value: &Value) -> bool {
        self.except.as_ref().is_some_and(|set| set.find(value) == Sameness::Same)
    }
}
