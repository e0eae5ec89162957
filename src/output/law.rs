//! What joins checks to the law: what each check is, the points it touches, and how many pairs are in which state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::family::{Family, Type, sample};
use super::lines::Lines;
use super::parts::Parts;
use crate::catalog::{Catalog, Check, Controls, Measured};
use crate::model::Verdict;

static CHECK: Family =
    Family::new(Type::Info, "nis2watch_check_info", "What a check of the plan requires, and how a fail is mended.");
static CHECK_CONTROL: Family = Family::new(
    Type::Info,
    "nis2watch_check_control_info",
    "The points of law and standards that a check gives evidence for.",
);
static COVERAGE: Family = Family::new(
    Type::Gauge,
    "nis2watch_control_coverage",
    "1 for each point of law and standards, with the way the plan sees to it: automated, attested or none.",
);
static CHECKS: Family = Family::new(
    Type::Gauge,
    "nis2watch_control_checks",
    "How many pairs of an asset and a check give evidence for a point and are in a state.",
);

/// Longest title in a label, in characters.
const LONGEST_TITLE: usize = 160;
/// Longest fix in a label, in characters; alerts quote it.
const LONGEST_FIX: usize = 300;

/// A framework and one of its points.
type Point = (&'static str, Arc<str>);

/// Counts of pairs by point and state, kept as verdicts change, and what never changes while a plan lives.
#[derive(Debug, Default)]
pub(super) struct Law {
    info: Lines,
    check_points: Lines,
    coverage: Lines,
    points: Vec<Point>,
    /// By the number of a check: its points.
    by_check: Vec<Box<[u16]>>,
    counts: Vec<[u32; Verdict::WORDS.len()]>,
    shown: Lines,
    changed: bool,
}

impl Law {
    /// The law of a plan that has these checks, by their numbers.
    pub(super) fn new(catalog: &Catalog, checks: &[Arc<Check>]) -> Self {
        let of_check: Vec<Vec<Point>> =
            checks.iter().map(|check| catalog.controls.points_of(&check.controls)).collect();
        let distinct: BTreeSet<&Point> = of_check.iter().flatten().collect();
        let points: Vec<Point> = distinct.into_iter().cloned().collect();
        let numbers: BTreeMap<&Point, u16> = points.iter().zip(0..).collect();
        let by_check = of_check.iter().map(|of| of.iter().filter_map(|point| numbers.get(point).copied()).collect());
        let pairs: Vec<(&Arc<Check>, &Point)> =
            checks.iter().zip(&of_check).flat_map(|(check, of)| of.iter().map(move |point| (check, point))).collect();
        let coverage: Vec<_> = coverage(catalog, checks).into_iter().collect();
        Self {
            info: Lines::build(checks.len(), |row, out| {
                let check = &checks[row];
                let (title, pack) = (one_line(&check.title), &*check.pack);
                let severity = check.severity.word();
                let fix = cut(&check.fix, LONGEST_FIX);
                let labels = [
                    ("check", check.id.as_str()),
                    ("title", &title),
                    ("pack", pack),
                    ("severity", severity),
                    ("fix", &fix),
                ];
                sample(out, CHECK.name, &labels, 1);
            }),
            check_points: Lines::build(pairs.len(), |row, out| {
                let (check, (framework, control)) = pairs[row];
                let labels = [("check", check.id.as_str()), ("framework", framework), ("control", control)];
                sample(out, CHECK_CONTROL.name, &labels, 1);
            }),
            coverage: Lines::build(coverage.len(), |row, out| {
                let ((framework, control), kind) = &coverage[row];
                let labels = [("framework", *framework), ("control", control), ("kind", kind.label())];
                sample(out, COVERAGE.name, &labels, 1);
            }),
            by_check: by_check.collect(),
            counts: vec![[0; Verdict::WORDS.len()]; points.len()],
            points,
            shown: Lines::default(),
            changed: true,
        }
    }

    /// Counts a pair that is new in the plan.
    pub(super) fn add(&mut self, check: u16, verdict: Verdict) {
        for point in &self.by_check[usize::from(check)] {
            self.counts[usize::from(*point)][usize::from(verdict.code())] += 1;
        }
        self.changed = true;
    }

    /// Counts a pair that went over to another verdict.
    pub(super) fn moved(&mut self, check: u16, from: Verdict, to: Verdict) {
        if from.code() == to.code() {
            return;
        }
        for point in &self.by_check[usize::from(check)] {
            let counts = &mut self.counts[usize::from(*point)];
            counts[usize::from(from.code())] -= 1;
            counts[usize::from(to.code())] += 1;
        }
        self.changed = true;
    }

    /// Renders the counts again if they have changed: one verdict changes many, and few are ever read.
    pub(super) fn refresh(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let (points, counts) = (&self.points, &self.counts);
        self.shown = Lines::build(points.len(), |row, out| {
            let (framework, control) = &points[row];
            for (state, count) in Verdict::WORDS.iter().zip(counts[row]) {
                let labels = [("framework", *framework), ("control", control), ("state", state)];
                sample(out, CHECKS.name, &labels, count);
            }
        });
    }

    pub(super) fn collect(&self, parts: &mut Parts) {
        let families = [
            (&CHECK, &self.info),
            (&CHECK_CONTROL, &self.check_points),
            (&CHECKS, &self.shown),
            (&COVERAGE, &self.coverage),
        ];
        for (family, lines) in families {
            parts.pages(family, std::iter::once(lines));
        }
    }
}

/// Titles come from the catalogue and are one line; an extra catalogue may be careless.
fn one_line(title: &str) -> String {
    cut(title, LONGEST_TITLE)
}

/// A text in one line, up to so many characters; what was cut says so.
fn cut(text: &str, longest: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest - 1).chain(['…']).collect()
}

/// Every point that law, standards or controls name, with the best way that a check of the plan sees to it.
fn coverage(catalog: &Catalog, checks: &[Arc<Check>]) -> BTreeMap<Point, Measured> {
    let Controls { nis2_points, list, .. } = &catalog.controls;
    let letters = nis2_points.iter().map(|point| ("nis2", &point.reference));
    let named = list.values().flat_map(|control| {
        let of = control.refs.by_framework();
        of.into_iter().flat_map(|(framework, points)| points.iter().map(move |point| (framework, point)))
    });
    let mut coverage: BTreeMap<Point, Measured> = letters
        .chain(named)
        .map(|(framework, point)| ((framework, Arc::from(point.as_str())), Measured::Open))
        .collect();
    for check in checks {
        let kind = if catalog.is_attested(check) { Measured::Attested } else { Measured::Measured };
        for point in catalog.controls.points_of(&check.controls) {
            let best = coverage.entry(point).or_insert(kind);
            *best = kind.max(*best);
        }
    }
    coverage
}
