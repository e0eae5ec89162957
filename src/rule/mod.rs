//! Judging: what an answer says, and whether that is what a check wants.
//!
//! Everything here is a pure function of its arguments, time included. Nothing asks an asset, and nothing
//! takes the absence of an answer for an answer: a fact that is missing makes a verdict unknown, with its
//! cause and with what to do about it.
//!
//! - [`ReadSpec`]: `read:` of a fact file, from an answer to a [`Reading`];
//! - [`Step`] and [`apply`]: `then:` of a fact file, small changes to rows;
//! - [`Matcher`], [`Expression`]: the sentences of a check file;
//! - [`judge`]: a [`Rule`] over facts, to a [`Judgement`](crate::model::Judgement);
//! - [`version`]: which of two versions is newer.

mod beyond;
mod expr;
mod extract;
mod judge;
mod matcher;
mod moment;
mod name;
mod pattern;
mod sameness;
mod set;
mod steps;
pub mod version;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Asset, CheckId, FactId, Params, Reading, Time, Verdict};

pub use expr::Expression;
pub use extract::ReadSpec;
pub use judge::judge;
pub use matcher::Matcher;
pub use name::{NameRef, split_fact};
pub use pattern::Pattern;
pub use steps::{Step, apply};

/// What decides a check.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Any that holds excludes the asset.
    pub not_applicable_when: Vec<Matcher>,
    /// Any that does not hold makes the verdict unknown.
    pub requires: Vec<Matcher>,
    /// All must hold.
    pub assert: Vec<Matcher>,
    /// Tried when the assertions hold; any that does not hold makes the verdict a warning.
    pub warn: Vec<Matcher>,
}

impl Rule {
    /// Every name that it mentions.
    #[must_use]
    pub fn names(&self) -> Vec<NameRef> {
        let matchers = [&self.not_applicable_when, &self.requires, &self.assert, &self.warn];
        let mut names: Vec<NameRef> = matchers.into_iter().flatten().flat_map(Matcher::names).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Everything that a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Readings by fact; one that is not listed counts as missing.
    pub facts: &'a BTreeMap<FactId, Reading>,
    /// Parameters, resolved for this asset.
    pub params: &'a Params,
    /// The asset.
    pub asset: &'a Asset,
    /// Verdicts of other checks on the same asset.
    pub verdicts: &'a BTreeMap<CheckId, Verdict>,
    /// The time of judgement.
    pub now: Time,
}

#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
