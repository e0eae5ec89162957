//! A visit: one contact with one asset, from the questions of its due checks to their judgements.
//!
//! This is the file to read first. [`Visitor::visit`] gathers the facts that the due checks need, asks each
//! question once, reads the answers, derives what is computed, and judges check by check. Measuring and
//! judging stay apart: facts are kept whatever the verdict is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tracing::{debug, info_span};

use super::contact::{Asked, Contact, Reply, Silence};
use super::plan::{FactIndex, PlannedAsset, PlannedCheck};
use super::{CheckIndex, derive};
use crate::catalog::{Fact, Question, Remember};
use crate::feeds::Lifecycle;
use crate::model::{
    Cause, CheckId, CheckResult, Evidence, EvidenceItem, FactId, Impact, Judgement, Missing, Reading, Time, Transport,
    Verdict, WindowEffect,
};
use crate::rule::{self, judge};
use crate::store::Store;
use crate::telemetry;

/// What all visits share.
pub struct Visitor {
    /// Remembers when rows were first seen.
    pub store: Arc<dyn Store>,
    /// Support periods, replaced when a newer table is imported.
    pub lifecycle: ArcSwap<Lifecycle>,
    /// Tells the time.
    pub clock: fn() -> Time,
    /// Where packets are sent from, for the evidence.
    pub vantage: String,
}

/// What came of a visit.
#[derive(Debug)]
pub struct Visit {
    /// One result per check, those that were only needed by others included.
    pub results: Vec<CheckResult>,
    /// Every fact that was read, by id; the last one where a fact was asked with several arguments.
    pub readings: BTreeMap<FactId, Reading>,
    /// Which transports answered; what the gate refused is not in it.
    pub reachable: Vec<(Transport, bool)>,
    /// When it ended.
    pub at: Time,
    /// How long it took.
    pub took: Duration,
}

impl Visit {
    /// A visit in which nothing was asked.
    #[must_use]
    pub fn of_results(results: Vec<CheckResult>, at: Time) -> Self {
        Self { results, readings: BTreeMap::new(), reachable: Vec::new(), at, took: Duration::ZERO }
    }
}

/// One fact of a visit: what was read and what that rests on.
#[derive(Clone)]
struct Gathered {
    reading: Reading,
    evidence: EvidenceItem,
}

impl Visitor {
    /// Visits an asset for some of its checks.
    pub async fn visit(&self, planned: &PlannedAsset, contact: &Contact, due: &[CheckIndex]) -> Visit {
        let start = Instant::now();
        let checks = planned.with_dependencies(due);
        let facts = planned.facts_for_visit(&checks);
        let (gathered, reachable) = self.gather(planned, contact, &facts).await;
        let now = (self.clock)();
        let results = self.judge_all(planned, &checks, &gathered, now, start);
        let readings = gathered
            .into_iter()
            .map(|(at, one)| (planned.facts[usize::from(at)].fact.id.clone(), one.reading))
            .collect();
        Visit { results, readings, reachable, at: now, took: start.elapsed() }
    }

    /// Reads facts without judging.
    pub async fn facts(
        &self,
        planned: &PlannedAsset,
        contact: &Contact,
        facts: &[FactIndex],
    ) -> BTreeMap<FactId, Reading> {
        let (gathered, _) = self.gather(planned, contact, facts).await;
        gathered.into_iter().map(|(at, one)| (planned.facts[usize::from(at)].fact.id.clone(), one.reading)).collect()
    }

    async fn gather(
        &self,
        planned: &PlannedAsset,
        contact: &Contact,
        facts: &[FactIndex],
    ) -> (BTreeMap<FactIndex, Gathered>, Vec<(Transport, bool)>) {
        let mut gathered = BTreeMap::new();
        let mut asked_facts = Vec::new();
        let mut asked = Vec::new();
        for at in facts {
            let fact = &planned.facts[usize::from(*at)];
            if let Some(why) = &fact.held {
                gathered.insert(*at, self.unasked(&fact.fact.id, Reading::Missing(why.clone())));
            } else if fact.question.touches_the_wire() {
                asked_facts.push(*at);
                asked.push(Asked { fact: &fact.fact.id, question: &fact.question });
            }
        }
        let replies = contact.ask(&asked).await;
        let reachable = reachability(&replies);
        for (at, reply) in asked_facts.into_iter().zip(replies) {
            gathered.insert(at, self.read(planned, at, reply).await);
        }
        // derived facts stand behind what they are derived from
        for at in facts {
            let fact = &planned.facts[usize::from(*at)];
            if let Question::Derived(derivation) = &*fact.question {
                let sources = fact.from.iter().map(|at| &planned.facts[usize::from(*at)]);
                let asked = sources.filter(|one| one.held.is_none()).map(|one| one.fact.id.clone()).collect();
                let from = fact.from.iter().filter_map(|at| {
                    Some((planned.facts[usize::from(*at)].fact.id.clone(), gathered.get(at)?.reading.clone()))
                });
                let sources = derive::Sources {
                    facts: from.collect(),
                    asked,
                    asset: &planned.member.asset,
                    lifecycle: &self.lifecycle.load(),
                    now: (self.clock)(),
                };
                gathered.insert(*at, self.unasked(&fact.fact.id, derive::derive(derivation, &sources)));
            }
        }
        (gathered, reachable)
    }

    /// Turns a reply into a reading: extraction, row steps, memory of rows.
    async fn read(&self, planned: &PlannedAsset, at: FactIndex, reply: Reply) -> Gathered {
        let fact = &planned.facts[usize::from(at)].fact;
        let question = planned.facts[usize::from(at)].question.to_string();
        let (reading, answer_sha256) = {
            let _span = info_span!("question", fact = %fact.id, transport = %reply.transport).entered();
            match &reply.answer {
                Ok(answer) => (fact.reading(answer), digest(answer)),
                Err(Silence::Failed(error)) => (Reading::missing(error.cause(), error.to_string()), String::new()),
                Err(Silence::Recorded(reading)) => (reading.clone(), String::new()),
            }
        };
        let reading = match &fact.remember {
            Some(remember) => self.remember(planned, fact, remember, reading).await,
            None => reading,
        };
        if let Reading::Missing(missing) = &reading {
            debug!(asset = %planned.member.asset.id, fact = %fact.id, cause = %missing.cause, detail = missing.detail, "no fact");
        }
        let evidence = EvidenceItem {
            fact: fact.id.clone(),
            transport: reply.transport,
            question,
            answer_sha256,
            asked_at: reply.asked_at,
            took_ms: u64::try_from(reply.took.as_millis()).unwrap_or(u64::MAX),
            cause: cause(&reading),
        };
        Gathered { reading, evidence }
    }

    /// Adds to each row since when it is known. When the store cannot say, the fact is missing: an age of zero would
    /// be a guess in the asset's favour.
    async fn remember(&self, planned: &PlannedAsset, fact: &Fact, remember: &Remember, reading: Reading) -> Reading {
        let Reading::Known(value) = reading else { return reading };
        let rows = value.as_list().or_else(|| value.get("rows")?.as_list()).unwrap_or_default();
        let names: Vec<String> = rows.iter().filter_map(|row| remember.name(row)).collect();
        let now = (self.clock)();
        match self.store.first_seen(&planned.member.asset.id, &fact.id, names.clone(), now).await {
            Ok(times) => {
                let known: BTreeMap<String, Time> = names.into_iter().zip(times).collect();
                Reading::Known(remember.mark(value, now, &mut |name| known.get(name).copied().unwrap_or(now)))
            }
            Err(error) => Reading::missing(Cause::Internal, format!("the store cannot say since when: {error}")),
        }
    }

    fn unasked(&self, fact: &FactId, reading: Reading) -> Gathered {
        let evidence = EvidenceItem {
            fact: fact.clone(),
            transport: Transport::Derived,
            question: String::new(),
            answer_sha256: String::new(),
            asked_at: (self.clock)(),
            took_ms: 0,
            cause: cause(&reading),
        };
        Gathered { reading, evidence }
    }

    fn judge_all(
        &self,
        planned: &PlannedAsset,
        checks: &[CheckIndex],
        gathered: &BTreeMap<FactIndex, Gathered>,
        now: Time,
        start: Instant,
    ) -> Vec<CheckResult> {
        let mut verdicts: BTreeMap<CheckId, Verdict> = BTreeMap::new();
        let mut results = Vec::with_capacity(checks.len());
        for at in checks {
            let one = &planned.checks[usize::from(*at)];
            let judgement = {
                let _span = info_span!("judge", check = %one.check.id).entered();
                Self::judge(planned, one, gathered, &verdicts, now)
            };
            verdicts.insert(one.check.id.clone(), judgement.verdict);
            results.push(self.result(planned, one, judgement, gathered, now, start));
        }
        results
    }

    fn judge(
        planned: &PlannedAsset,
        one: &PlannedCheck,
        gathered: &BTreeMap<FactIndex, Gathered>,
        verdicts: &BTreeMap<CheckId, Verdict>,
        now: Time,
    ) -> Judgement {
        if let Some(Missing { cause, detail }) = Self::held(planned, one, now) {
            return Judgement { params: Arc::clone(&one.params), ..Judgement::unknown(cause, detail) };
        }
        let facts: BTreeMap<FactId, Reading> = one
            .facts
            .iter()
            .filter_map(|at| Some((planned.facts[usize::from(*at)].fact.id.clone(), gathered.get(at)?.reading.clone())))
            .collect();
        let context = rule::Context { facts: &facts, params: &one.params, asset: &planned.member.asset, verdicts, now };
        judge(&one.check.rule, &context)
    }

    /// Why a check is not measured now.
    fn held(planned: &PlannedAsset, one: &PlannedCheck, now: Time) -> Option<Missing> {
        if one.held.is_some() || one.check.impact != Impact::Avoid {
            return one.held.clone();
        }
        let open = planned.member.windows.iter().any(|window| window.is_open(WindowEffect::Intrusive, now));
        (!open).then(|| Missing::new(Cause::Gated, "waits for the next window with the effect intrusive"))
    }

    fn result(
        &self,
        planned: &PlannedAsset,
        one: &PlannedCheck,
        judgement: Judgement,
        gathered: &BTreeMap<FactIndex, Gathered>,
        now: Time,
        start: Instant,
    ) -> CheckResult {
        let items = one.facts.iter().filter_map(|at| Some(gathered.get(at)?.evidence.clone())).collect();
        CheckResult {
            asset: planned.member.asset.id.clone(),
            zone: planned.member.asset.zone.clone(),
            check: one.check.id.clone(),
            check_version: one.check.version,
            severity: one.check.severity,
            controls: one.check.controls.clone(),
            judgement,
            evidence: Evidence { items, vantage: self.vantage.clone(), trace_id: telemetry::current_trace_id() },
            at: now,
            duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn cause(reading: &Reading) -> Option<Cause> {
    match reading {
        Reading::Missing(missing) => Some(missing.cause),
        Reading::Known(_) | Reading::Absent(_) => None,
    }
}

fn reachability(replies: &[Reply]) -> Vec<(Transport, bool)> {
    let mut seen: BTreeMap<Transport, bool> = BTreeMap::new();
    for reply in replies {
        if !reply.was_refused_by_gate() {
            *seen.entry(reply.transport).or_default() |= reply.shows_life();
        }
    }
    seen.into_iter().collect()
}

/// SHA-256 of the answer in its serialised form, hexadecimal.
fn digest(answer: &crate::model::Answer) -> String {
    let bytes = serde_json::to_vec(answer).unwrap_or_default();
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        write!(text, "{byte:02x}").ok();
        text
    })
}
