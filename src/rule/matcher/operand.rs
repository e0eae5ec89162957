//! The right-hand side of a matcher: a literal or a reference.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::model::{Cause, Missing, Value};
use crate::rule::Context;
use crate::rule::name::{Lookup, Name};
use crate::rule::set::Set;

/// A literal, or a text that starts with `params.`, `asset.` or `fact:` and is looked up.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rule) enum Operand {
    /// As written in the file, prepared for membership.
    Literal(Value, Box<Set>),
    /// Looked up when the rule is judged.
    Reference(Name),
}

impl Operand {
    /// Reads an operand from a value of the file.
    pub(super) fn of(value: Value) -> Result<Self, String> {
        if let Some(name) = value.as_text().and_then(Name::operand) {
            return name.map(Self::Reference);
        }
        let mut inner = value.as_list().unwrap_or_default().iter();
        if let Some(text) = inner.find_map(|item| item.as_text().filter(|text| Name::operand(text).is_some())) {
            return Err(format!("{text:?} stands in a list, where it would be plain text; a reference stands alone"));
        }
        let set = Box::new(Set::of(&value));
        Ok(Self::Literal(value, set))
    }

    /// The literal, if it is one.
    pub(super) fn literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value, _) => Some(value),
            Self::Reference(_) => None,
        }
    }

    /// The name it refers to, if it does.
    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Self::Literal(..) => None,
            Self::Reference(name) => Some(name),
        }
    }

    /// The value that applies now.
    pub(super) fn value<'a>(&'a self, context: &Context<'a>) -> Result<Cow<'a, Value>, Missing> {
        match self {
            Self::Literal(value, _) => Ok(Cow::Borrowed(value)),
            Self::Reference(name) => look_up(name, context),
        }
    }

    /// The elements that apply now.
    pub(super) fn set<'a>(&'a self, context: &Context<'a>) -> Result<Cow<'a, Set>, Missing> {
        match self {
            Self::Literal(_, set) => Ok(Cow::Borrowed(set)),
            Self::Reference(name) => Ok(Cow::Owned(Set::of(&*look_up(name, context)?))),
        }
    }
}

fn look_up<'a>(name: &Name, context: &Context<'a>) -> Result<Cow<'a, Value>, Missing> {
    match name.look_up(context) {
        Lookup::Found(value) => Ok(value),
        Lookup::Absent(detail) => Err(Missing::new(Cause::NoData, format!("nothing to compare with: {detail}"))),
        Lookup::Missing(missing) => Err(missing),
    }
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
