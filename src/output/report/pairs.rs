//! Every pair of an asset and a check, how it stood at the end of the period, and for how long it had stood so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Serialize, Serializer};

use super::assemble::Material;
use super::read::{Known, Pair};
use super::timeline::{Spans, Timeline};
use super::{Evidence, Record};
use crate::catalog::Catalog;
use crate::model::{Advice, AssetId, Cause, CheckId, ControlId, Severity, Time, Verdict, ZoneId};

/// Intervals after which a judgement proves nothing any more, as the daemon has it.
const STALE_INTERVALS: u32 = 2;
/// Visits take their time, and a daemon may restart.
const GRACE: TimeDelta = TimeDelta::minutes(5);
/// Where nobody knows how often a check runs.
const USUAL_INTERVAL: Duration = Duration::from_hours(24);

/// How a check comes to its verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By machine.
    Measured,
    /// From what people signed or keep by hand.
    Attested,
}

impl How {
    /// The word in lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Attested => "attested",
        }
    }
}

/// What a check of the report requires.
#[derive(Debug, Clone, Serialize)]
pub struct CheckInfo {
    /// What holds when it passes.
    pub title: String,
    /// What to do about a fail.
    pub fix: String,
    /// What a pass does not prove.
    pub proves: String,
    /// How urgent a fail is.
    pub severity: Severity,
    /// By machine or by signature.
    pub how: How,
    /// The controls it gives evidence for.
    pub controls: Vec<ControlId>,
    /// Points of the directive that these touch.
    pub nis2: Vec<Arc<str>>,
}

/// One pair at the end of the period.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was judged.
    pub asset: AssetId,
    /// Its zone.
    pub zone: ZoneId,
    /// What it is; none where the configuration does not have it.
    pub kind: Option<&'static str>,
    /// By which check.
    pub check: CheckId,
    /// What that requires.
    #[serde(skip)]
    pub info: Arc<CheckInfo>,
    /// How urgent a fail is.
    pub severity: Severity,
    /// The conclusion.
    #[serde(rename = "state", serialize_with = "word")]
    pub verdict: Verdict,
    /// Why it is unknown.
    pub cause: Option<Cause>,
    /// What was found, or why nothing.
    pub reason: String,
    /// What to do, where the state is unknown.
    #[serde(serialize_with = "sentence")]
    pub advice: Option<Advice>,
    /// The waivers that mean it.
    pub waiver: Option<String>,
    /// Whether what was to make up for it is not green, so that the waiver does not count.
    pub waiver_suspended: bool,
    /// When the state began.
    pub since: Option<Time>,
    /// When it was last judged.
    pub judged_at: Option<Time>,
    /// What it rests on.
    pub evidence: Evidence,
    /// The record of the ledger with which the state began.
    pub record: Option<Record>,
    /// Whether the configuration of today has the pair.
    pub planned: bool,
    /// How long it was in which state in the period.
    pub time: Spans,
    /// The share of the watched time in which it was met, waived time not counted.
    pub time_in_compliance: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn word<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.word())
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn sentence<S: Serializer>(advice: &Option<Advice>, serializer: S) -> Result<S::Ok, S::Error> {
    advice.map(Advice::sentence).serialize(serializer)
}

/// The pairs with their past.
pub(super) struct Pairs {
    pub(super) rows: Vec<Row>,
    /// In the same order.
    pub(super) timelines: Vec<Timeline>,
    pub(super) checks: BTreeMap<CheckId, Arc<CheckInfo>>,
}

/// What the chain says of a pair.
struct Past {
    timeline: Timeline,
    record: Option<Record>,
}

impl Pairs {
    pub(super) fn new(material: &Material<'_>) -> Self {
        let mut pasts = pasts(material);
        let planned: BTreeSet<Pair> = material.plan.pairs().into_iter().collect();
        let all: BTreeSet<&Pair> = planned.iter().chain(material.kept.known.keys()).collect();
        let mut checks = BTreeMap::new();
        let (mut rows, mut timelines) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        for pair in all {
            let known = material.kept.known.get(pair);
            let info = checks.entry(pair.1.clone()).or_insert_with(|| Arc::new(info(&pair.1, known, material.catalog)));
            let past = pasts.remove(pair);
            let (row, timeline) = row(pair, known, Arc::clone(info), past, planned.contains(pair), material);
            rows.push(row);
            timelines.push(timeline);
        }
        Self { rows, timelines, checks }
    }
}

fn pasts(material: &Material<'_>) -> HashMap<Pair, Past> {
    let mut pasts: HashMap<Pair, Past> = HashMap::new();
    for change in material.kept.changes.iter().filter(|change| change.at <= material.period.until) {
        let pair = (change.asset.clone(), change.check.clone());
        let past = pasts.entry(pair).or_insert_with(|| Past { timeline: Timeline::new(material.period), record: None });
        past.timeline.note(change.at, change.to);
        past.record = Some(Record { seq: change.seq, digest: change.digest.to_string() });
    }
    pasts
}

fn info(check: &CheckId, known: Option<&Known>, catalog: &Catalog) -> CheckInfo {
    let Some(found) = catalog.check(check) else {
        return CheckInfo {
            title: format!("{check} (a check that the catalogue no longer has)"),
            fix: String::new(),
            proves: String::new(),
            severity: known.map_or(Severity::Medium, |known| known.severity),
            how: How::Measured,
            controls: Vec::new(),
            nis2: Vec::new(),
        };
    };
    let points = catalog.controls.points_of(&found.controls);
    CheckInfo {
        title: found.title.clone(),
        fix: found.fix.clone(),
        proves: found.proves.clone(),
        severity: found.severity,
        how: if catalog.rests_on_people(found) { How::Attested } else { How::Measured },
        controls: found.controls.clone(),
        nis2: points.into_iter().filter(|(framework, _)| *framework == "nis2").map(|(_, point)| point).collect(),
    }
}

fn row(
    pair: &Pair,
    known: Option<&Known>,
    info: Arc<CheckInfo>,
    past: Option<Past>,
    planned: bool,
    material: &Material<'_>,
) -> (Row, Timeline) {
    let (asset, check) = pair;
    let member = material.plan.find(asset.as_str()).map(|at| &material.plan.asset(at).member);
    let past = past.unwrap_or_else(|| Past { timeline: Timeline::new(material.period), record: None });
    let Past { mut timeline, record } = past;
    let zone = member.map(|member| member.asset.zone.clone()).or_else(|| known.map(|known| known.zone.clone()));
    let mut row = Row {
        asset: asset.clone(),
        zone: zone.unwrap_or_else(|| ZoneId::parse("none").expect("four letters are an id")),
        kind: member.map(|member| member.asset.kind.word()),
        check: check.clone(),
        severity: known.map_or(info.severity, |known| known.severity),
        info,
        verdict: Verdict::Unknown(Cause::NoData),
        cause: Some(Cause::NoData),
        reason: "never judged by the end of the period".to_owned(),
        advice: None,
        waiver: None,
        waiver_suspended: false,
        since: None,
        judged_at: None,
        evidence: Evidence::default(),
        record,
        planned,
        time: Spans::default(),
        time_in_compliance: None,
    };
    if let Some(known) = known {
        row.take(known);
        let old = known.at + limit(pair, material);
        if old < material.period.until && known.verdict != Verdict::Unknown(Cause::Stale) {
            timeline.expire(old, Verdict::Unknown(Cause::Stale));
            row.grow_stale(old, known);
        }
    }
    row.time = timeline.spans();
    row.time_in_compliance = row.time.share(false);
    (row, timeline)
}

/// How old a judgement may be. Of an asset that the configuration does not have, nobody knows whether it is fragile.
fn limit((asset, check): &Pair, material: &Material<'_>) -> TimeDelta {
    let until = material.period.until;
    let planned = material.plan.find(asset.as_str()).map(|at| material.plan.asset(at));
    let own = planned.and_then(|planned| planned.checks.get(usize::from(planned.check(check.as_str())?)));
    let interval = own.map(|one| one.cadence.interval(until)).or_else(|| {
        let schedule = &material.catalog.check(check)?.schedule;
        let cadence = |fragile| material.schedules.cadence(schedule, fragile);
        [false, true].into_iter().filter_map(cadence).map(|cadence| cadence.interval(until)).max()
    });
    let interval = interval.unwrap_or(USUAL_INTERVAL).saturating_mul(STALE_INTERVALS);
    TimeDelta::from_std(interval).unwrap_or(TimeDelta::days(3_653)) + GRACE
}

impl Row {
    fn take(&mut self, known: &Known) {
        self.verdict = known.verdict;
        self.cause = known.verdict.cause();
        self.reason.clone_from(&known.reason);
        self.advice = known.advice;
        self.since = Some(known.since);
        self.judged_at = Some(known.at);
        self.evidence = known.evidence.clone();
        if let Some((waiver, suspended)) = &known.waiver {
            (self.waiver, self.waiver_suspended) = (Some(waiver.clone()), *suspended);
        }
    }

    /// The daemon that would say so was not there: what was true so long ago proves nothing.
    fn grow_stale(&mut self, since: Time, known: &Known) {
        self.verdict = Verdict::Unknown(Cause::Stale);
        self.cause = Some(Cause::Stale);
        self.reason = format!("{} when it was last judged, which is too long ago to prove anything", known.verdict);
        self.advice = Some(Cause::Stale.advice(None));
        self.since = Some(since);
        (self.waiver, self.waiver_suspended) = (None, false);
    }

    /// Whether it is met.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Warn)
    }

    /// What to do: the remedy of a finding, or what helps to see; nothing where all is well.
    #[must_use]
    pub fn what_to_do(&self) -> &str {
        match self.verdict {
            Verdict::Fail | Verdict::Waived | Verdict::Warn => &self.info.fix,
            Verdict::Unknown(_) => self.advice.map_or("", Advice::sentence),
            Verdict::Pass | Verdict::NotApplicable => "",
        }
    }

    /// Whether something current speaks for or against it.
    #[must_use]
    pub const fn has_evidence(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Waived)
    }
}
