//! What would be sent, when, to whom, and why something is not: the plan as people and programs read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::survey;

use crate::catalog::{Catalog, Subject};
use crate::engine::{Cadence, Plan, PlannedAsset, PlannedCheck, PlannedFact};
use crate::model::{Impact, Missing, Time, Transport, WindowEffect};

/// Longest question in the text, in characters; the JSON has it whole.
const LONGEST: usize = 120;
const DAY: Duration = Duration::from_hours(24);

/// The plan of one asset.
#[derive(Debug, Serialize)]
pub struct Outline {
    asset: String,
    zone: String,
    kind: &'static str,
    address: Option<String>,
    class: &'static str,
    limits: Limits,
    inactive: Option<String>,
    windows: Vec<Window>,
    through: Vec<String>,
    tried_from: Vec<survey::Tried>,
    questions: Vec<Question>,
    checks: Vec<Check>,
    excluded: Vec<Excluded>,
    /// Connects of one visit that several questions share.
    shared_ports: Vec<SharedPorts>,
    per_day: Amount,
}

/// TCP ports that several questions of one visit name: each is tried once.
#[derive(Debug, Serialize)]
struct SharedPorts {
    ports: BTreeSet<u16>,
    every_seconds: u64,
    next: Option<Time>,
    /// At the pace of the gate, without waiting for ports that do not answer.
    lasts_at_least_seconds: u64,
    /// What the questions name, ports named twice counted twice.
    #[serde(skip)]
    named: u64,
}

/// What its gate lets through.
#[derive(Debug, Serialize)]
struct Limits {
    connections_at_once: u32,
    gap_seconds: f64,
    connections_per_hour: u32,
    visits_at_once_in_zone: u32,
}

#[derive(Debug, Serialize)]
struct Window {
    name: String,
    opens: String,
    lasts_seconds: u64,
    effects: Vec<&'static str>,
}

/// One question of a visit.
#[derive(Debug, Serialize)]
struct Question {
    fact: String,
    title: String,
    over: &'static str,
    #[serde(rename = "question")]
    text: String,
    every_seconds: u64,
    next: Option<Time>,
    at_most: Amount,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    connects: Vec<survey::Connect>,
    checks: Vec<String>,
    /// The windows outside of which it is not asked, where it waits for one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    only_in: Vec<String>,
    held: Option<Held>,
}

#[derive(Debug, Serialize)]
struct Check {
    #[serde(rename = "check")]
    id: String,
    severity: &'static str,
    schedule: String,
    every_seconds: u64,
    next: Option<Time>,
    held: Option<Held>,
}

#[derive(Debug, Serialize)]
struct Excluded {
    check: String,
    why: String,
}

/// Why something in the plan is not asked.
#[derive(Debug, Clone, Serialize)]
struct Held {
    cause: &'static str,
    why: String,
}

/// At most so much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Questions.
    pub questions: u64,
    /// Connections.
    pub connections: u64,
    /// Bytes of answers.
    pub bytes: u64,
}

impl Amount {
    /// This and another.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            questions: self.questions.saturating_add(other.questions),
            connections: self.connections.saturating_add(other.connections),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl From<&Missing> for Held {
    fn from(missing: &Missing) -> Self {
        Self { cause: missing.cause.word(), why: missing.detail.clone() }
    }
}

impl Outline {
    /// The outline of a planned asset; with a catalogue also the checks that do not concern it.
    #[must_use]
    pub fn new(planned: &PlannedAsset, catalog: Option<&Catalog>, now: Time) -> Self {
        let (member, asset) = (&planned.member, &planned.member.asset);
        let mut questions: Vec<_> =
            (0..).zip(&planned.facts).filter_map(|(at, fact)| question(planned, at, fact, now)).collect();
        if member.inactive.is_some() {
            for one in &mut questions {
                one.next = None;
            }
        }
        let shared_ports = shared_ports(planned, &questions);
        let per_day = match member.inactive {
            None => per_day(&questions, &shared_ports),
            Some(_) => Amount::default(),
        };
        Self {
            asset: asset.id.to_string(),
            zone: asset.zone.to_string(),
            kind: asset.kind.word(),
            address: asset.address.as_deref().map(str::to_owned),
            class: if member.fragile { "fragile" } else { "standard" },
            limits: Limits {
                connections_at_once: member.limits.at_once,
                gap_seconds: member.limits.gap.as_secs_f64(),
                connections_per_hour: member.limits.per_hour,
                visits_at_once_in_zone: planned.at_once,
            },
            inactive: member.inactive.clone(),
            windows: member.windows.iter().map(Window::of).collect(),
            through: member.jump.iter().map(ToString::to_string).collect(),
            tried_from: Vec::new(),
            questions,
            checks: planned.checks.iter().map(|one| check(planned, one, now)).collect(),
            excluded: catalog.map(|catalog| excluded(planned, catalog)).unwrap_or_default(),
            shared_ports,
            per_day,
        }
    }

    /// The most that is sent in a day.
    pub(super) const fn per_day(&self) -> Amount {
        self.per_day
    }

    /// For a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let address = self.address.as_deref().unwrap_or("no address");
        writeln!(text, "{} ({}, zone {}) at {address}", self.asset, self.kind, self.zone).ok();
        let limits = &self.limits;
        writeln!(
            text,
            "  gate: {}, {} at once, {} s apart, {} an hour; {} of its zone at once",
            self.class,
            connections(limits.connections_at_once.into()),
            limits.gap_seconds,
            connections(limits.connections_per_hour.into()),
            limits.visits_at_once_in_zone
        )
        .ok();
        if let Some(why) = &self.inactive {
            writeln!(text, "  nothing is sent: {why} is switched off (active: false); what follows would be").ok();
        }
        for window in &self.windows {
            let lasts = words(Duration::from_secs(window.lasts_seconds));
            writeln!(text, "  window {}: {} for {lasts}, {}", window.name, window.opens, window.effects.join(" ")).ok();
        }
        if !self.through.is_empty() {
            writeln!(text, "  SSH goes through {}", self.through.join(", then ")).ok();
        }
        for one in &self.tried_from {
            writeln!(text, "  {}", one.text(&words(Duration::from_secs(one.every_seconds)))).ok();
        }
        for one in &self.questions {
            let when = match &one.held {
                Some(_) => "held back".to_owned(),
                None => format!("every {}", words(Duration::from_secs(one.every_seconds))),
            };
            writeln!(text, "  {when:<15} {:<12} {}", one.over, one.title).ok();
            for part in wrapped(&one.text) {
                writeln!(text, "{:18}{part}", "").ok();
            }
            let next =
                one.next.map_or_else(String::new, |next| format!(", next {}", next.format("%Y-%m-%d %H:%M:%S UTC")));
            let most = one.at_most;
            writeln!(
                text,
                "{:18}{}: at most {}, {}, {} bytes{next}; for {}",
                "",
                one.fact,
                plural(most.questions, "question"),
                connections(most.connections),
                most.bytes,
                if one.checks.is_empty() { "what the device is".to_owned() } else { one.checks.join(", ") }
            )
            .ok();
            if !one.only_in.is_empty() {
                writeln!(text, "{:18}only in a window with the effect intrusive: {}", "", one.only_in.join(", ")).ok();
            }
            for connect in &one.connects {
                writeln!(text, "{:18}{}", "", connect.text()).ok();
            }
            if let Some(held) = &one.held {
                writeln!(text, "{:18}not asked ({}): {}", "", held.cause, held.why).ok();
            }
        }
        for one in &self.checks {
            if let Some(held) = &one.held {
                writeln!(text, "  {} is held back ({}): {}", one.id, held.cause, held.why).ok();
            }
        }
        for one in &self.excluded {
            writeln!(text, "  {} does not concern it: {}", one.check, one.why).ok();
        }
        for shared in &self.shared_ports {
            writeln!(text, "  {}", shared.text(self.limits.connections_per_hour)).ok();
        }
        let day = self.per_day;
        writeln!(
            text,
            "  in a day at most {}, {}, {} bytes of answer\n",
            plural(day.questions, "question"),
            connections(day.connections),
            day.bytes
        )
        .ok();
        text
    }
}

impl SharedPorts {
    fn text(&self, per_hour: u32) -> String {
        let ports: Vec<_> = self.ports.iter().map(u16::to_string).collect();
        let count = ports.len() as u64;
        let beyond = count.saturating_sub(per_hour.into());
        let late = if beyond == 0 {
            String::new()
        } else {
            format!("; the gate lets {per_hour} through in an hour, so {beyond} of them are unknown (gated) each time")
        };
        format!(
            "the TCP questions of a visit share their connects: {} of {} named, each port once, at least {}{late}: {}",
            connections(count),
            self.named,
            humantime(self.lasts_at_least_seconds),
            ports.join(" ")
        )
    }
}

/// The questions that fall into the same visit and name more ports than there are different ones.
fn shared_ports(planned: &PlannedAsset, questions: &[Question]) -> Vec<SharedPorts> {
    let mut visits: BTreeMap<(u64, Option<Time>), SharedPorts> = BTreeMap::new();
    for one in questions.iter().filter(|one| one.held.is_none()) {
        let facts = planned.facts.iter().filter(|fact| one.asks(fact));
        for ports in facts.filter_map(|fact| match &*fact.question {
            crate::catalog::Question::Tcp(question) => Some(&question.ports),
            _ => None,
        }) {
            let (every_seconds, next) = (one.every_seconds, one.next);
            let visit = visits.entry((every_seconds, next)).or_insert_with(|| SharedPorts {
                ports: BTreeSet::new(),
                every_seconds,
                next,
                lasts_at_least_seconds: 0,
                named: 0,
            });
            visit.ports.extend(ports);
            visit.named += ports.len() as u64;
        }
    }
    let gap = planned.member.limits.gap.as_secs_f64();
    let mut shared: Vec<_> = visits.into_values().filter(|visit| visit.named > visit.ports.len() as u64).collect();
    for visit in &mut shared {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let lasts = (visit.ports.len().saturating_sub(1) as f64 * gap).ceil() as u64;
        visit.lasts_at_least_seconds = lasts;
    }
    shared
}

fn per_day(questions: &[Question], shared: &[SharedPorts]) -> Amount {
    let times = |every: u64| DAY.as_secs().div_ceil(every.max(1));
    let mut sum = questions.iter().filter(|one| one.held.is_none()).fold(Amount::default(), |sum, one| {
        let times = times(one.every_seconds);
        Amount {
            questions: sum.questions + times * one.at_most.questions,
            connections: sum.connections + times * one.at_most.connections,
            bytes: sum.bytes + times * one.at_most.bytes,
        }
    });
    for visit in shared {
        let twice = visit.named - visit.ports.len() as u64;
        sum.connections = sum.connections.saturating_sub(times(visit.every_seconds) * twice);
    }
    sum
}

impl Question {
    fn asks(&self, fact: &PlannedFact) -> bool {
        self.fact == fact.fact.id.as_str() && self.text == fact.question.to_string()
    }
}

impl Window {
    fn of(window: &crate::model::Window) -> Self {
        Self {
            name: window.name.clone(),
            opens: window.opens.to_string(),
            lasts_seconds: window.lasts.as_secs(),
            effects: window.effects.iter().map(|effect| effect.word()).collect(),
        }
    }
}

/// `None` for what is derived and never asked.
fn question(planned: &PlannedAsset, at: u16, fact: &PlannedFact, now: Time) -> Option<Question> {
    if !fact.question.touches_the_wire() {
        return None;
    }
    let needs_it = |one: &&PlannedCheck| planned.with_sources(&one.facts).contains(&at);
    let checks: Vec<_> = planned.checks.iter().filter(needs_it).collect();
    let asking: Vec<_> = checks.iter().copied().filter(|one| one.held.is_none()).collect();
    // a question is held back by itself, or because every check that wants its answer is
    let all_held = || checks.iter().filter(|_| asking.is_empty()).find_map(|one| one.held.as_ref());
    let held = fact.held.as_ref().or_else(all_held).map(Held::from);
    // what no check needs is what the device is, and asked on the way
    let often = match (asking.as_slice(), checks.as_slice()) {
        ([], []) => planned.checks.iter().collect(),
        ([], held) => held.to_vec(),
        (asking, _) => asking.to_vec(),
    };
    let often = often.into_iter().map(|one| &one.cadence).min_by_key(|cadence| cadence.interval(now));
    let waits = fact.question.is_protocol_read()
        || (!asking.is_empty() && asking.iter().all(|one| one.check.impact == Impact::Avoid));
    let windows = planned.member.windows.iter().filter(|window| window.effects.contains(&WindowEffect::Intrusive));
    let budget = &fact.fact.budget;
    let task = match &*fact.question {
        crate::catalog::Question::Reach(question) => Some(&question.task),
        _ => None,
    };
    let over = match fact.question.transport() {
        Transport::Ssh if planned.member.access.local => Transport::Local,
        other => other,
    };
    Some(Question {
        fact: fact.fact.id.to_string(),
        title: fact.fact.title.clone(),
        over: over.word(),
        text: fact.question.to_string(),
        every_seconds: often.map_or(0, |cadence| cadence.interval(now).as_secs()),
        next: often.filter(|_| held.is_none()).and_then(|cadence| next(cadence, planned, now)),
        at_most: Amount {
            questions: budget.questions.into(),
            connections: match task {
                Some(task) => task.connects() as u64,
                None => fact.question.connections(planned.member.fragile).unwrap_or(budget.connections).into(),
            },
            bytes: budget.bytes,
        },
        connects: task.map(survey::connects).unwrap_or_default(),
        checks: checks.iter().map(|one| one.check.id.to_string()).collect(),
        only_in: windows.filter(|_| waits && held.is_none()).map(|window| window.name.clone()).collect(),
        held,
    })
}

fn check(planned: &PlannedAsset, one: &PlannedCheck, now: Time) -> Check {
    Check {
        id: one.check.id.to_string(),
        severity: one.check.severity.word(),
        schedule: one.check.schedule.clone(),
        every_seconds: one.cadence.interval(now).as_secs(),
        next: next(&one.cadence, planned, now),
        held: one.held.as_ref().map(Held::from),
    }
}

fn next(cadence: &Cadence, planned: &PlannedAsset, now: Time) -> Option<Time> {
    cadence.next_after(&planned.member.asset.id, now)
}

fn excluded(planned: &PlannedAsset, catalog: &Catalog) -> Vec<Excluded> {
    let member = &planned.member;
    let subject = Subject { asset: &member.asset, zone_role: member.zone_role, has: &member.has };
    let why = |check: &crate::catalog::Check| check.applies_to.concerns(subject).err();
    let all = catalog.checks.values();
    all.filter_map(|check| Some(Excluded { check: check.id.to_string(), why: why(check)? })).collect()
}

fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn connections(count: u64) -> String {
    plural(count, "connection")
}

fn words(duration: Duration) -> String {
    humantime(duration.as_secs())
}

/// A text in lines of at most [`LONGEST`] characters, broken at spaces; nothing is left out, for this is what is sent.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LONGEST => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `6h`, `1d 2h`: the two largest units.
fn humantime(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, size) in units {
        if left >= size && parts.len() < 2 {
            parts.push(format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// The whole plan, in its order.
#[must_use]
pub fn outline(
    plan: &Plan,
    wanted: impl Fn(&PlannedAsset) -> bool,
    catalog: Option<&Catalog>,
    now: Time,
) -> Vec<Outline> {
    let tried = survey::tried(plan, now);
    let assets = plan.assets.iter().filter(|planned| wanted(planned));
    assets
        .map(|planned| {
            let tried_from = tried.get(&planned.member.asset.id).cloned().unwrap_or_default();
            Outline { tried_from, ..Outline::new(planned, catalog, now) }
        })
        .collect()
}

#[cfg(test)]
mod tests;
