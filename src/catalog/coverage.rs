//! Coverage: which duties are measured by machine, which rest on a signature, and which are open.
//!
//! It counts what is loaded, not what is planned, and an open line is printed as open. A duty of several parts is seen
//! to no better than its weakest part.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::controls::{SeedBullet, SeedPart};
use super::{Catalog, Check, Control};
use crate::model::{CheckId, ControlId};

/// What the words mean, said below the tables.
const LEGEND: &str = "measured: at least one check runs by machine; attested: signed statements only; open: nothing yet. \
                      A check gives evidence for a point; it does not prove that the point is fulfilled.";

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
    /// What the duty comes down to, where it has several parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<CoverageRow>,
}

/// Which duties are covered by the loaded checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Checks of the plan that are there, and all of them.
    pub built: (usize, usize),
    /// Duties of the brief.
    pub seed: Vec<CoverageRow>,
    /// The letters of Article 21(2) of the directive.
    pub nis2: Vec<CoverageRow>,
}

impl Catalog {
    /// Which duties the loaded checks give evidence for.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let planned = &self.controls.planned;
        let built = planned.iter().filter(|planned| self.checks.contains_key(&planned.id)).count();
        let seed = self.controls.seed_bullets.iter().map(|bullet| self.duty(bullet));
        let letters = self.controls.letters();
        let nis2 = letters.map(|(_, point)| self.row(&point.reference, &point.text, &point.controls.iter().collect()));
        Coverage { built: (built, planned.len()), seed: seed.collect(), nis2: nis2.collect() }
    }

    fn duty(&self, bullet: &SeedBullet) -> CoverageRow {
        let serves = |control: &&Control| control.seed.contains(&bullet.id);
        let controls = self.controls.list.values().filter(serves).map(|control| &control.id).collect();
        let row = self.row(&bullet.id, &bullet.text, &controls);
        let parts: Vec<_> = bullet.parts.iter().map(|part| self.part(&bullet.id, part)).collect();
        let weakest = parts.iter().map(|part| part.state).min();
        CoverageRow { state: weakest.unwrap_or(row.state), parts, ..row }
    }

    fn part(&self, duty: &str, part: &SeedPart) -> CoverageRow {
        let (loaded, planned): (Vec<_>, Vec<_>) = part.checks.iter().partition(|id| self.checks.contains_key(*id));
        let loaded = loaded.into_iter().filter_map(|id| self.checks.get(id));
        self.evidence(duty, &part.text, loaded, planned.into_iter().cloned().collect())
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
        let planned = self.controls.planned.iter().filter(|planned| concerns(&planned.controls));
        let planned = planned.filter(|planned| !self.checks.contains_key(&planned.id));
        self.evidence(id, text, loaded, planned.map(|planned| planned.id.clone()).collect())
    }

    /// Whether a signature, or a register that people fill by hand, is all that a check reads; the plan says which are.
    #[must_use]
    pub fn rests_on_people(&self, check: &Check) -> bool {
        let plan = self.controls.planned.iter().find(|planned| planned.id == check.id);
        self.is_attested(check) || plan.is_some_and(|planned| planned.transport == ["attestation"])
    }

    fn evidence<'c>(
        &self,
        id: &str,
        text: &str,
        loaded: impl Iterator<Item = &'c Arc<Check>>,
        planned: Vec<CheckId>,
    ) -> CoverageRow {
        let (attested, measured): (Vec<_>, Vec<_>) = loaded.partition(|check| self.rests_on_people(check));
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
            planned,
            parts: Vec::new(),
        }
    }
}

impl CoverageRow {
    fn counts(&self) -> [String; 3] {
        [&self.measured, &self.attested, &self.planned].map(|checks| checks.len().to_string())
    }

    /// The duty itself where it has no parts.
    fn lines(&self) -> &[Self] {
        if self.parts.is_empty() { std::slice::from_ref(self) } else { &self.parts }
    }
}

impl Coverage {
    fn summary(&self) -> String {
        let (built, all) = self.built;
        format!("{built} of the {all} planned checks are there.")
    }

    /// A block for a Markdown file: two tables, the first with every check by name.
    #[must_use]
    pub fn markdown(&self) -> String {
        // writing to a String cannot fail
        let mut text = String::from(
            "| duty of the brief | part | state | checks | still planned |\n| --- | --- | --- | --- | --- |\n",
        );
        for part in self.seed.iter().flat_map(CoverageRow::lines) {
            let there = names(part.measured.iter().chain(&part.attested));
            let planned = names(&part.planned);
            let _ = writeln!(text, "| {} | {} | {} | {there} | {planned} |", part.id, cell(&part.text), part.state);
        }
        text.push_str(
            "\n| NIS2 | asks for | state | measured | attested | still planned |\n| --- | --- | --- | --- | --- | --- |\n",
        );
        for row in &self.nis2 {
            let [measured, attested, planned] = row.counts();
            let text_cell = cell(&row.text);
            let _ =
                writeln!(text, "| {} | {text_cell} | {} | {measured} | {attested} | {planned} |", row.id, row.state);
        }
        let _ = writeln!(text, "\n{} {LEGEND}", self.summary());
        text
    }
}

fn names<'c>(checks: impl IntoIterator<Item = &'c CheckId>) -> String {
    checks.into_iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Tables for a terminal.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rows) in [("Duties of the brief", &self.seed), ("NIS2 Article 21(2)", &self.nis2)] {
            let mut table = Table::new();
            table.load_style(NOTHING).set_header(vec![title, "state", "measured", "attested", "planned", "asks for"]);
            for row in rows {
                table.add_row(line(&row.id, row, &row.text));
                for part in &row.parts {
                    table.add_row(line("", part, &format!("- {}", part.text)));
                }
            }
            writeln!(f, "{table}\n")?;
        }
        write!(f, "{} {LEGEND}", self.summary())
    }
}

fn line(id: &str, row: &CoverageRow, text: &str) -> Vec<String> {
    let [measured, attested, planned] = row.counts();
    vec![id.to_owned(), row.state.word().to_owned(), measured, attested, planned, text.to_owned()]
}
