//! Matchers: one sentence of a rule each, in three-valued logic.
//!
//! A matcher holds, offends (and names the offenders) or is missing (and says why). What is missing never
//! becomes one of the other two by itself: only `absent:` in the file may say what an absent field means.

mod decide;
mod elements;
mod evaluate;
mod finding;
mod op;
mod operand;
mod parse;
mod sentence;
mod tally;
mod telling;
mod template;
mod test;
mod whole;

use std::sync::Arc;

use super::expr::Expression;
use super::name::NameRef;
use crate::model::{Cause, Missing};

pub(super) use elements::row_name;
pub(super) use evaluate::all;
pub(super) use finding::Finding;
pub(super) use sentence::{clip, join, sentence, shown};
use template::Template;
use test::Test;

/// One matcher of a check file, compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    form: Form,
    /// The matcher counts only when this one holds.
    when: Option<Box<Matcher>>,
    /// What is said instead of the generated sentence when it does not hold; of an exclusion, when it holds.
    say: Option<Template>,
    /// The cause under `requires:` when it does not hold.
    cause: Option<Cause>,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Test(Box<Test>),
    All(Vec<Matcher>),
    Any(Vec<Matcher>),
    None(Vec<Matcher>),
    Expr(Arc<Expression>),
}

/// What a matcher says about one asset.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// It is so.
    Holds,
    /// It did not have to judge anything: its guard is off, or there is no element.
    Vacuous,
    /// It is not so.
    Offends(Box<Finding>),
    /// Nothing can be said.
    Missing(Missing),
}

impl Matcher {
    /// Every fact path, parameter, asset field and check that it mentions, for the checks at load time.
    #[must_use]
    pub fn names(&self) -> Vec<NameRef> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names.sort();
        names.dedup();
        names
    }

    fn collect(&self, names: &mut Vec<NameRef>) {
        if let Some(when) = &self.when {
            when.collect(names);
        }
        names.extend(self.say.iter().flat_map(Template::names).map(super::name::Name::reference));
        match &self.form {
            Form::Test(test) => names.extend(test.names().map(super::name::Name::reference)),
            Form::All(matchers) | Form::Any(matchers) | Form::None(matchers) => {
                for matcher in matchers {
                    matcher.collect(names);
                }
            }
            Form::Expr(expression) => names.extend(expression.names()),
        }
    }

    /// The cause that an unmet requirement gives its unknown.
    pub(super) fn cause(&self) -> Cause {
        self.cause.unwrap_or(Cause::NoData)
    }
}

#[cfg(test)]
mod tests;
