//! The operators, and what they compare with right now.

use std::borrow::Cow;

use super::operand::Operand;
use crate::model::{Cause, Missing, Value};
use crate::rule::moment::days_of;
use crate::rule::name::Name;
use crate::rule::set::Set;
use crate::rule::version::Scheme;
use crate::rule::{Context, Pattern};

/// An operator with its operand, as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Equals(Operand),
    NotEquals(Operand),
    In(Operand),
    NotIn(Operand),
    SubsetOf(Operand),
    SupersetOf(Operand),
    NoneOf(Operand),
    Matches(Regexp),
    NotMatches(Regexp),
    AtLeast(Operand),
    AtMost(Operand),
    VersionAtLeast(Operand, Operand),
    NewerThan(Operand),
    OlderThan(Operand),
    Count(Count),
    Exists(bool),
    Unique,
    Empty(bool),
}

/// A pattern in the file, or a reference to one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Regexp {
    Literal(Pattern),
    Reference(Operand),
}

/// Bounds on a number of elements.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Count {
    pub(super) exactly: Option<Operand>,
    pub(super) at_least: Option<Operand>,
    pub(super) at_most: Option<Operand>,
}

/// An operator with its operand looked up.
pub(super) enum Resolved<'a> {
    Equals(Cow<'a, Value>, Cow<'a, Set>),
    NotEquals(Cow<'a, Value>, Cow<'a, Set>),
    /// `in` and `subset_of`: every element is in the set.
    In(Cow<'a, Set>),
    /// `not_in` and `none_of`: no element is in the set.
    NotIn(Cow<'a, Set>),
    SupersetOf(Cow<'a, Set>),
    Matches(Cow<'a, Pattern>),
    NotMatches(Cow<'a, Pattern>),
    AtLeast(Cow<'a, Value>),
    AtMost(Cow<'a, Value>),
    VersionAtLeast(String, Scheme),
    /// Days.
    NewerThan(f64),
    /// Days.
    OlderThan(f64),
    Count {
        at_least: Option<i64>,
        at_most: Option<i64>,
    },
    Exists(bool),
    Unique,
    Empty(bool),
}

impl Op {
    /// The operands it may have to look up.
    fn operands(&self) -> Vec<&Operand> {
        match self {
            Self::Equals(operand)
            | Self::NotEquals(operand)
            | Self::In(operand)
            | Self::NotIn(operand)
            | Self::SubsetOf(operand)
            | Self::SupersetOf(operand)
            | Self::NoneOf(operand)
            | Self::AtLeast(operand)
            | Self::AtMost(operand)
            | Self::NewerThan(operand)
            | Self::OlderThan(operand)
            | Self::Matches(Regexp::Reference(operand))
            | Self::NotMatches(Regexp::Reference(operand)) => vec![operand],
            Self::VersionAtLeast(operand, scheme) => vec![operand, scheme],
            Self::Count(count) => [&count.exactly, &count.at_least, &count.at_most].into_iter().flatten().collect(),
            Self::Matches(_) | Self::NotMatches(_) | Self::Exists(_) | Self::Unique | Self::Empty(_) => Vec::new(),
        }
    }

    /// The names that it refers to.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        self.operands().into_iter().filter_map(Operand::name)
    }

    /// Whether its literal speaks of a word, alone or in a list.
    pub(super) fn mentions(&self, word: &str) -> bool {
        let is = |value: &Value| value.as_text() == Some(word);
        let mentions = |value: &Value| is(value) || value.as_list().is_some_and(|items| items.iter().any(is));
        self.operands().into_iter().filter_map(Operand::literal).any(mentions)
    }

    /// Whether it asks for the subject's presence (or absence) itself.
    pub(super) fn wants_presence(&self) -> Option<bool> {
        match self {
            Self::Exists(wanted) => Some(*wanted),
            _ => None,
        }
    }

    /// Looks the operands up.
    pub(super) fn resolve<'a>(&'a self, context: &Context<'a>) -> Result<Resolved<'a>, Missing> {
        Ok(match self {
            Self::Equals(operand) => Resolved::Equals(operand.value(context)?, operand.set(context)?),
            Self::NotEquals(operand) => Resolved::NotEquals(operand.value(context)?, operand.set(context)?),
            Self::In(operand) | Self::SubsetOf(operand) => Resolved::In(operand.set(context)?),
            Self::NotIn(operand) | Self::NoneOf(operand) => Resolved::NotIn(operand.set(context)?),
            Self::SupersetOf(operand) => Resolved::SupersetOf(operand.set(context)?),
            Self::Matches(regexp) => Resolved::Matches(regexp.resolve(context)?),
            Self::NotMatches(regexp) => Resolved::NotMatches(regexp.resolve(context)?),
            Self::AtLeast(operand) => Resolved::AtLeast(operand.value(context)?),
            Self::AtMost(operand) => Resolved::AtMost(operand.value(context)?),
            Self::VersionAtLeast(operand, scheme) => {
                Resolved::VersionAtLeast(operand.value(context)?.to_string(), scheme_of(&*scheme.value(context)?)?)
            }
            Self::NewerThan(operand) => Resolved::NewerThan(days(&*operand.value(context)?)?),
            Self::OlderThan(operand) => Resolved::OlderThan(days(&*operand.value(context)?)?),
            Self::Count(count) => count.resolve(context)?,
            Self::Exists(wanted) => Resolved::Exists(*wanted),
            Self::Unique => Resolved::Unique,
            Self::Empty(wanted) => Resolved::Empty(*wanted),
        })
    }
}

impl Regexp {
    fn resolve<'a>(&'a self, context: &Context<'a>) -> Result<Cow<'a, Pattern>, Missing> {
        let operand = match self {
            Self::Literal(pattern) => return Ok(Cow::Borrowed(pattern)),
            Self::Reference(operand) => operand,
        };
        let source = operand.value(context)?;
        Pattern::parse(source.as_text().unwrap_or_default()).map(Cow::Owned).map_err(|problem| misfit(&problem))
    }
}

impl Count {
    fn resolve<'a>(&'a self, context: &Context<'a>) -> Result<Resolved<'a>, Missing> {
        let number = |operand: &'a Option<Operand>| -> Result<Option<i64>, Missing> {
            let Some(operand) = operand else { return Ok(None) };
            let value = operand.value(context)?;
            let number = value.as_int().or_else(|| value.as_text()?.trim().parse().ok());
            number.map(Some).ok_or_else(|| misfit(&format!("{value} is no number of elements")))
        };
        let exactly = number(&self.exactly)?;
        Ok(Resolved::Count {
            at_least: number(&self.at_least)?.or(exactly),
            at_most: number(&self.at_most)?.or(exactly),
        })
    }
}

fn scheme_of(value: &Value) -> Result<Scheme, Missing> {
    value
        .as_text()
        .and_then(Scheme::from_word)
        .ok_or_else(|| misfit(&format!("{value} is no version scheme ({})", Scheme::WORDS)))
}

fn days(value: &Value) -> Result<f64, Missing> {
    days_of(value).ok_or_else(|| misfit(&format!("{value} is no span of time such as 30d")))
}

/// A parameter that does not fit its operator: the operator's to mend, not the asset's.
fn misfit(problem: &str) -> Missing {
    Missing::new(Cause::Parse, format!("{problem}; correct the parameter"))
}
