//! Coverage: which duties are measured by machine, which rest on a signature, and which are open.
//!
//! It counts what is loaded, not what is planned, and an open line is printed as open.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::{Catalog, Check, Control};
use crate::model::{CheckId, ControlId};

/// How a duty is seen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// No loaded check gives evidence.
    Open,
    /// Signed statements only.
    Attested,
    /// At least one check runs by machine.
    Measured,
}

impl Measured {
    /// The word in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Attested => "attested",
            Self::Open => "open",
        }
    }

    /// The label `kind` of `nis2watch_control_coverage`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Measured => "automated",
            Self::Attested => "attested",
            Self::Open => "none",
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageRow {
    /// Its name: `S07`, `Art. 21(2)(b)`.
    pub id: String,
    /// What it asks, in our words.
    pub text: String,
    /// How it is seen to.
    pub state: Measured,
    /// Loaded checks that run by machine.
    pub measured: Vec<CheckId>,
    /// Loaded checks that read a signature.
    pub attested: Vec<CheckId>,
    /// Checks of the plan that are not there yet.
    pub planned: Vec<CheckId>,
}

/// Which duties are covered by the loaded checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Duties of the brief.
    pub seed: Vec<CoverageRow>,
    /// The letters of Article 21(2) of the directive.
    pub nis2: Vec<CoverageRow>,
}

impl Catalog {
    /// Which duties the loaded checks give evidence for.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let bullets = self.controls.seed_bullets.iter();
        let seed = bullets.map(|bullet| {
            let serves = |control: &&Control| control.seed.contains(&bullet.id);
            let controls = self.controls.list.values().filter(serves).map(|control| &control.id).collect();
            self.row(&bullet.id, &bullet.text, &controls)
        });
        let letters = self.controls.letters();
        let nis2 = letters.map(|(_, point)| self.row(&point.reference, &point.text, &point.controls.iter().collect()));
        Coverage { seed: seed.collect(), nis2: nis2.collect() }
    }

    /// How one control is seen to.
    #[must_use]
    pub fn evidence_for(&self, control: &ControlId) -> Measured {
        self.row("", "", &BTreeSet::from([control])).state
    }

    /// Whether a person's signature answers a check.
    #[must_use]
    pub fn is_attested(&self, check: &Check) -> bool {
        self.facts_of(check).iter().any(|fact| fact.ask.standard().is_attested())
    }

    fn row(&self, id: &str, text: &str, controls: &BTreeSet<&ControlId>) -> CoverageRow {
        let concerns = |listed: &[ControlId]| listed.iter().any(|control| controls.contains(control));
        let loaded = self.checks.values().filter(|check| concerns(&check.controls));
        let (attested, measured): (Vec<_>, Vec<_>) = loaded.partition(|check| self.is_attested(check));
        let planned = self.controls.planned.iter().filter(|planned| concerns(&planned.controls));
        let planned = planned.filter(|planned| !self.checks.contains_key(&planned.id));
        let state = match (measured.is_empty(), attested.is_empty()) {
            (false, _) => Measured::Measured,
            (true, false) => Measured::Attested,
            (true, true) => Measured::Open,
        };
        CoverageRow {
            id: id.to_owned(),
            text: text.to_owned(),
            state,
            measured: measured.into_iter().map(|check| check.id.clone()).collect(),
            attested: attested.into_iter().map(|check| check.id.clone()).collect(),
            planned: planned.map(|planned| planned.id.clone()).collect(),
        }
    }
}

impl Coverage {
    fn parts(&self) -> [(&'static str, &[CoverageRow]); 2] {
        [("Duties of the brief", &self.seed), ("NIS2 Article 21(2)", &self.nis2)]
    }

    /// A block for a Markdown file: two tables.
    #[must_use]
    pub fn markdown(&self) -> String {
        // writing to a String cannot fail
        let mut text = String::new();
        for (title, rows) in self.parts() {
            let _ = writeln!(
                text,
                "| {title} | asks for | state | checks | still planned |\n| --- | --- | --- | --- | --- |"
            );
            for row in rows {
                let checks: Vec<String> =
                    row.measured.iter().chain(&row.attested).map(|check| format!("`{check}`")).collect();
                let cell = row.text.replace('|', "\\|");
                let _ = writeln!(
                    text,
                    "| {} | {cell} | {} | {} | {} |",
                    row.id,
                    row.state,
                    checks.join(", "),
                    row.planned.len()
                );
            }
            text.push('\n');
        }
        text.push_str("A check gives evidence for a point; it does not prove that the point is fulfilled.\n");
        text
    }
}

/// Tables for a terminal.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rows) in self.parts() {
            let mut table = Table::new();
            table.load_style(NOTHING).set_header(vec![title, "state", "measured", "attested", "planned", "asks for"]);
            for row in rows {
                let count = |checks: &[CheckId]| checks.len().to_string();
                table.add_row(vec![
                    row.id.clone(),
                    row.state.word().to_owned(),
                    count(&row.measured),
                    count(&row.attested),
                    count(&row.planned),
                    row.text.clone(),
                ]);
            }
            writeln!(f, "{table}\n")?;
        }
        write!(f, "A check gives evidence for a point; it does not prove that the point is fulfilled.")
    }
}
