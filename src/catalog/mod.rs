//! The catalogue: what can be asked (facts) and what is required (checks), as data files.
//!
//! Files come from the copy inside the binary and from extra folders. Everything is read, compiled and
//! cross-checked at load, and every mistake of every file is reported at once: a catalogue that loads has no
//! unknown fact, control, parameter or name left in it. Nothing here asks, schedules or stores.

mod ask;
mod check;
mod controls;
mod coverage;
mod drift;
mod explain;
mod fact;
mod fixtures;
mod form;
mod handout;
mod history;
mod lint;
mod load;
mod mention;
mod names;
mod params;
mod products;
mod question;
mod record;
mod reference;
mod rows;
mod selector;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

pub use ask::{Arguments, Ask};
pub use check::{Check, Need};
pub use controls::{Control, Controls, PlannedCheck, Point, References, SeedBullet, SeedPart};
pub use coverage::{Coverage, CoverageRow, Measured};
pub use drift::{Baseline, Drift, Lists, Mask};
pub use fact::{Budget, Fact, Remember};
pub use fixtures::{FixtureReport, Outcome};
pub use handout::{ACCOUNT, COLLECTOR_PATH, Handout};
pub use history::History;
pub use mention::{Mention, Mentioned};
pub use params::{Overrides, ParamMistake};
pub use products::{Product, Products, identity_text};
pub use question::{
    Copies, Derived, DeviceSources, DutyRegister, Presence, Question, Register, Statements, Whose, first_of,
};
pub use record::{Known, Redactor, record};
pub use selector::{Condition, Expression, Key, Selector, Subject};

pub use crate::model::Problems as LoadErrors;
use crate::model::{CheckId, FactId};
use crate::transport::ssh;

/// Facts, checks and controls, compiled and cross-checked.
#[derive(Debug, Default)]
pub struct Catalog {
    /// How to ask for things.
    pub facts: BTreeMap<FactId, Arc<Fact>>,
    /// What is required.
    pub checks: BTreeMap<CheckId, Arc<Check>>,
    /// What the law and the standards ask.
    pub controls: Controls,
    /// How devices are known, and where they keep what they are.
    pub products: Products,
    /// Groups of checks, by folder.
    pub packs: BTreeMap<Arc<str>, Pack>,
    /// Recorded transcripts with expected verdicts.
    fixtures: Vec<sources::SourceFile>,
    /// Names of files with mistakes; empty in a catalogue that loads.
    broken: BTreeSet<String>,
}

/// A group of checks, `pack.yaml` in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Name of the folder.
    pub id: Arc<str>,
    /// What its checks have in common.
    pub title: String,
    /// More about it.
    #[serde(default)]
    pub summary: String,
}

impl Catalog {
    /// A fact that a loaded check or fact names.
    #[must_use]
    pub fn fact(&self, id: &FactId) -> Option<&Arc<Fact>> {
        self.facts.get(id)
    }

    /// Whether there is a check of that name, even one whose file is wrong, which is told elsewhere.
    #[must_use]
    pub fn names(&self, check: &CheckId) -> bool {
        self.checks.contains_key(check) || self.broken.contains(check.as_str())
    }

    /// A check by its id.
    #[must_use]
    pub fn check(&self, id: &CheckId) -> Option<&Arc<Check>> {
        self.checks.get(id)
    }

    /// The facts that a check reads, with those that they are computed from, each once, sources first.
    #[must_use]
    pub fn facts_of(&self, check: &Check) -> Vec<&Arc<Fact>> {
        let mut found: Vec<&Arc<Fact>> = Vec::new();
        for need in &check.needs {
            self.with_sources(&need.fact, &mut found);
        }
        found
    }

    fn with_sources<'a>(&'a self, id: &FactId, found: &mut Vec<&'a Arc<Fact>>) {
        let Some(fact) = self.facts.get(id).filter(|fact| !found.iter().any(|known| known.id == fact.id)) else {
            return;
        };
        fact.needs.iter().for_each(|source| self.with_sources(source, found));
        found.push(fact);
    }

    /// Every command that facts run on a host; the collector script is made of these.
    #[must_use]
    pub fn commands(&self) -> Vec<(FactId, &ssh::Question)> {
        self.facts
            .values()
            .filter_map(|fact| match fact.ask.standard() {
                Question::Ssh(question) => Some((fact.id.clone(), question)),
                _ => None,
            })
            .collect()
    }

    /// Those of them that need root; the lines for sudo and doas are made of these.
    #[must_use]
    pub fn privileged_commands(&self) -> Vec<(FactId, &ssh::Question)> {
        let needs_root = |question: &ssh::Question| question.privilege == ssh::Privilege::Sudo;
        self.commands().into_iter().filter(|(_, question)| needs_root(question)).collect()
    }
}

#[cfg(test)]
mod tests;
