//! The numbers: how many pairs stand how, why nothing can be said, and how that went over time.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::coverage::ControlRow;
use super::pairs::{How, Pairs, Row};
use super::timeline::{Spans, Timeline, ratio};
use super::{Drift, Period};
use crate::model::{Advice, AssetId, Cause, Severity, Time, Verdict};

/// Pairs by what is to be said of them; each pair is in one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Met, by machine: pass or warn.
    pub measured: usize,
    /// Met, by signature: pass or warn.
    pub attested: usize,
    /// A fail that somebody accepted.
    pub waived: usize,
    /// A fail.
    pub open: usize,
    /// Nothing can be said.
    pub unknown: usize,
    /// Does not concern the asset.
    pub not_applicable: usize,
}

impl Counts {
    pub(super) fn count(&mut self, row: &Row) {
        let place = match (row.verdict, row.info.how) {
            (Verdict::Pass | Verdict::Warn, How::Measured) => &mut self.measured,
            (Verdict::Pass | Verdict::Warn, How::Attested) => &mut self.attested,
            (Verdict::Waived, _) => &mut self.waived,
            (Verdict::Fail, _) => &mut self.open,
            (Verdict::Unknown(_), _) => &mut self.unknown,
            (Verdict::NotApplicable, _) => &mut self.not_applicable,
        };
        *place += 1;
    }

    /// Pairs that are met.
    #[must_use]
    pub const fn met(self) -> usize {
        self.measured + self.attested
    }

    /// Pairs that concern their asset.
    #[must_use]
    pub const fn assessed(self) -> usize {
        self.met() + self.waived + self.open + self.unknown
    }

    /// The share that is met; an unknown is not.
    #[must_use]
    pub fn score(self, with_waived: bool) -> Option<f64> {
        let met = self.met() + if with_waived { self.waived } else { 0 };
        ratio(i64::try_from(met).ok()?, i64::try_from(self.assessed()).ok()?)
    }
}

/// The numbers of the first page.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The one sentence.
    pub sentence: String,
    /// Controls that touch a point of the directive.
    pub controls_mapped: usize,
    /// Those of them with current evidence, for or against.
    pub controls_with_evidence: usize,
    /// Those of them with an open finding.
    pub controls_with_open_findings: usize,
    /// Assets that were judged or should have been.
    pub assets: usize,
    /// Pairs of an asset and a check.
    pub pairs: usize,
    /// Pairs by state, every state named.
    pub states: BTreeMap<&'static str, usize>,
    /// Pairs by what is to be said of them.
    pub counts: Counts,
    /// The share of pairs that are met, waived ones not counted.
    pub gross_score: Option<f64>,
    /// The same, waived ones counted as met.
    pub net_score: Option<f64>,
    /// The share of watched time in which pairs were met, waived time not counted.
    pub gross_time: Option<f64>,
    /// The same, waived time counted.
    pub net_time: Option<f64>,
    /// Open findings by severity, every severity named.
    pub open_by_severity: BTreeMap<Severity, usize>,
    /// Good states that were left in the period.
    pub drifts: usize,
    /// Those of them that have not come back.
    pub drifts_not_back: usize,
    /// Pairs that nobody has ever judged.
    pub never_judged: usize,
}

impl Summary {
    pub(super) fn new(rows: &[Row], controls: &[ControlRow], drift: &[Drift]) -> Self {
        let (mut counts, mut time) = (Counts::default(), Spans::default());
        let mut states: BTreeMap<_, _> = Verdict::WORDS.into_iter().map(|word| (word, 0)).collect();
        let mut open_by_severity: BTreeMap<_, _> = Severity::ALL.iter().map(|severity| (*severity, 0)).collect();
        for row in rows {
            counts.count(row);
            time.add(row.time);
            *states.entry(row.verdict.word()).or_default() += 1;
            if row.verdict == Verdict::Fail {
                *open_by_severity.entry(row.severity).or_default() += 1;
            }
        }
        let mapped: Vec<&ControlRow> = controls.iter().filter(|control| control.is_mapped()).collect();
        let evident = mapped.iter().filter(|control| control.current_evidence).count();
        Self {
            sentence: format!("{evident} of {} mapped controls have current evidence", mapped.len()),
            controls_mapped: mapped.len(),
            controls_with_evidence: evident,
            controls_with_open_findings: mapped.iter().filter(|control| control.counts.open > 0).count(),
            assets: rows.iter().map(|row| &row.asset).collect::<BTreeSet<_>>().len(),
            pairs: rows.len(),
            states,
            counts,
            gross_score: counts.score(false),
            net_score: counts.score(true),
            gross_time: time.share(false),
            net_time: time.share(true),
            open_by_severity,
            drifts: drift.len(),
            drifts_not_back: drift.iter().filter(|one| one.back_at.is_none()).count(),
            never_judged: rows.iter().filter(|row| row.judged_at.is_none()).count(),
        }
    }
}

/// One reason why nothing can be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// The cause.
    pub cause: Cause,
    /// Pairs that are unknown for it.
    pub pairs: usize,
    /// Assets that these are of, the first few.
    pub assets: Vec<AssetId>,
    /// How many assets there are.
    pub asset_count: usize,
    /// What helps most of them.
    pub advice: Option<&'static str>,
}

/// Assets that are named for a cause.
const NAMED: usize = 8;

/// The unknowns by cause.
pub(super) fn silences(rows: &[Row]) -> Vec<Silence> {
    let mut by_cause: BTreeMap<&'static str, (Cause, Vec<&Row>)> = BTreeMap::new();
    for row in rows {
        if let Some(cause) = row.cause {
            by_cause.entry(cause.word()).or_insert_with(|| (cause, Vec::new())).1.push(row);
        }
    }
    let mut all: Vec<Silence> = by_cause.into_values().map(|(cause, rows)| silence(cause, &rows)).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.pairs));
    all
}

fn silence(cause: Cause, rows: &[&Row]) -> Silence {
    let assets: BTreeSet<&AssetId> = rows.iter().map(|row| &row.asset).collect();
    let mut advice: BTreeMap<Advice, usize> = BTreeMap::new();
    rows.iter().filter_map(|row| row.advice).for_each(|one| *advice.entry(one).or_default() += 1);
    Silence {
        cause,
        pairs: rows.len(),
        asset_count: assets.len(),
        assets: assets.into_iter().take(NAMED).cloned().collect(),
        advice: advice.into_iter().max_by_key(|(_, count)| *count).map(|(advice, _)| advice.sentence()),
    }
}

/// How pairs stood at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tick {
    /// The moment.
    pub at: Time,
    /// Met: pass or warn.
    pub met: usize,
    /// A fail that somebody accepted.
    pub waived: usize,
    /// A fail.
    pub open: usize,
    /// Nothing could be said.
    pub unknown: usize,
    /// The share that was met, waived ones not counted; none while nothing was watched.
    pub gross_score: Option<f64>,
}

/// How it went over the period.
pub(super) fn trend(pairs: &Pairs, period: Period) -> Vec<Tick> {
    period.ticks().into_iter().map(|at| tick(&pairs.timelines, at)).collect()
}

fn tick(timelines: &[Timeline], at: Time) -> Tick {
    let mut tick = Tick { at, met: 0, waived: 0, open: 0, unknown: 0, gross_score: None };
    for timeline in timelines {
        match timeline.at(at) {
            Some(Verdict::Pass | Verdict::Warn) => tick.met += 1,
            Some(Verdict::Waived) => tick.waived += 1,
            Some(Verdict::Fail) => tick.open += 1,
            Some(Verdict::Unknown(_)) => tick.unknown += 1,
            Some(Verdict::NotApplicable) | None => {}
        }
    }
    let counts =
        Counts { measured: tick.met, waived: tick.waived, open: tick.open, unknown: tick.unknown, ..Counts::default() };
    tick.gross_score = counts.score(false);
    tick
}
