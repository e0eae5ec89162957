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
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, info_span};

use super::contact::{Asked, Contact, Reply, Silence};
use super::plan::{FactIndex, PlannedAsset, PlannedCheck, PlannedFact};
use super::recall::Recall;
use super::{CheckIndex, derive, drift, listing};
use crate::catalog::{Fact, History, Question, Remember};
use crate::duties::Book;
use crate::feeds::{Lifecycle, Shelf};
use crate::model::{
    Answer, Cause, CheckId, CheckResult, Evidence, EvidenceItem, FactId, Impact, Judgement, Missing, Reading, Time,
    Transport, Verdict, WindowEffect,
};
use crate::rule::{self, judge};
use crate::store::{self, Seen, Sighting, Store, StoreError};
use crate::telemetry;

/// What all visits share.
pub struct Visitor {
    /// Remembers when rows were first seen.
    pub store: Arc<dyn Store>,
    /// Support periods, replaced when a newer table is imported.
    pub lifecycle: ArcSwap<Lifecycle>,
    /// What was carried in from outside, replaced when the feed folder changes.
    pub carried: ArcSwap<Shelf>,
    /// What people signed and owe, replaced when a register or the ledger changes.
    pub book: ArcSwap<Book>,
    /// Rung when the book is another one, so that it is not first noticed within a minute.
    pub news: Notify,
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
    /// What was seen of values that have a baseline.
    pub sightings: Vec<Sighting>,
    /// Every fact that was read, by id; the last one where a fact was asked with several arguments.
    pub readings: BTreeMap<FactId, Reading>,
    /// Which transports answered; what the gate refused is not in it.
    pub reachable: Vec<(Transport, bool)>,
    /// When it ended.
    pub at: Time,
    /// How long it took; zero when nobody was asked.
    pub took: Duration,
}

impl Visit {
    /// Whether the asset was asked at all; a sweep and a defect of ours are no contact.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        !self.took.is_zero()
    }

    /// What it leaves in the store.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let contact = self.results.first().filter(|_| self.is_contact()).map(|result| store::Visit {
            asset: result.asset.clone(),
            at: self.at,
            duration: self.took,
            reachable: self.reachable.clone(),
        });
        Seen { results: self.results.clone(), sightings: self.sightings.clone(), visit: contact }
    }

    /// A visit in which nothing was asked.
    #[must_use]
    pub fn of_results(results: Vec<CheckResult>, at: Time) -> Self {
        let (sightings, readings) = (Vec::new(), BTreeMap::new());
        Self { results, sightings, readings, reachable: Vec::new(), at, took: Duration::ZERO }
    }
}

/// When a visit is judged.
struct Moment {
    /// Its start.
    start: Instant,
    /// The present.
    now: Time,
    /// The time that the facts are judged at; another than the present for a recording.
    judged: Time,
}

/// One fact of a visit: what was read and what that rests on.
#[derive(Clone)]
struct Gathered {
    reading: Reading,
    evidence: EvidenceItem,
}

/// Who asks, in the evidence.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

impl Visitor {
    /// A visitor who asks from this host.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, lifecycle: Arc<Lifecycle>, clock: fn() -> Time) -> Self {
        let vantage =
            std::fs::read_to_string(HOST_NAME).map_or_else(|_| "daemon".into(), |name| name.trim().to_owned());
        let (lifecycle, carried) = (ArcSwap::new(lifecycle), ArcSwap::default());
        Self { store, lifecycle, carried, book: ArcSwap::default(), news: Notify::new(), clock, vantage }
    }

    /// Takes what was carried in; its support periods stand before those of `base`.
    pub fn take_shelf(&self, carried: Arc<Shelf>, base: &Arc<Lifecycle>) {
        self.lifecycle.store(carried.lifecycle_over(base));
        self.carried.store(carried);
    }

    /// Visits an asset for some of its checks.
    pub async fn visit(&self, planned: &PlannedAsset, contact: &Contact, due: &[CheckIndex]) -> Visit {
        let start = Instant::now();
        let checks = planned.with_dependencies(due);
        let facts = planned.facts_for_visit(&Self::unheld(planned, &checks, (self.clock)()));
        let (gathered, reachable) = self.gather(planned, contact, &facts).await;
        let now = (self.clock)();
        let moment = Moment { start, now, judged: self.time(contact) };
        let mut results = self.judge_all(planned, &checks, &gathered, &moment);
        let reading = |at: FactIndex| gathered.get(&at).map(|one| &one.reading);
        let sightings = drift::compare(&*self.store, planned, &checks, &reading, &mut results, now).await;
        let readings = gathered
            .into_iter()
            .map(|(at, one)| (planned.facts[usize::from(at)].fact.id.clone(), one.reading))
            .collect();
        Visit { results, sightings, readings, reachable, at: now, took: start.elapsed() }
    }

    /// The time at which an asset is judged: now, or that of its recording, whose dates mean nothing in another year.
    fn time(&self, contact: &Contact) -> Time {
        contact.access.replay.as_ref().and_then(|transcript| transcript.now).unwrap_or_else(self.clock)
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

    /// Asks and reads nothing: the answers as they came, for a recording. What is derived has none.
    pub async fn answers(
        &self,
        planned: &PlannedAsset,
        contact: &Contact,
        facts: &[FactIndex],
    ) -> Vec<(FactId, Result<Answer, Missing>)> {
        let now = (self.clock)();
        let facts = facts.iter().map(|at| &planned.facts[usize::from(*at)]);
        let facts: Vec<_> = facts
            .filter(|fact| Self::kept_back(planned, fact, now).is_none() && fact.question.touches_the_wire())
            .collect();
        let asked: Vec<_> = facts.iter().map(|fact| Asked { fact: &fact.fact.id, question: &fact.question }).collect();
        let replies = contact.ask(&asked).await;
        let answer = |reply: Reply| {
            reply.answer.map_err(|silence| match silence {
                Silence::Failed(error) => Missing::new(error.cause(), error.to_string()),
                Silence::Recorded(reading) => {
                    Missing::new(cause(&reading).unwrap_or(Cause::NoData), "not in the recording")
                }
            })
        };
        facts.iter().map(|fact| fact.fact.id.clone()).zip(replies.into_iter().map(answer)).collect()
    }

    async fn gather(
        &self,
        planned: &PlannedAsset,
        contact: &Contact,
        facts: &[FactIndex],
    ) -> (BTreeMap<FactIndex, Gathered>, Vec<(Transport, bool)>) {
        let now = (self.clock)();
        let mut gathered = BTreeMap::new();
        let mut asked_facts = Vec::new();
        let mut asked = Vec::new();
        for at in facts {
            let fact = &planned.facts[usize::from(*at)];
            if let Some(why) = Self::kept_back(planned, fact, now) {
                gathered.insert(*at, self.unasked(&fact.fact.id, Reading::Missing(why)));
            } else if fact.question.touches_the_wire() {
                asked_facts.push(*at);
                asked.push(Asked { fact: &fact.fact.id, question: &fact.question });
            }
        }
        let replies = contact.ask(&asked).await;
        let reachable = reachability(&replies);
        for (at, reply) in asked_facts.into_iter().zip(replies) {
            let live = contact.access.replay.is_none();
            gathered.insert(at, self.read(planned, at, reply, self.time(contact), live).await);
        }
        let recall = Recall::read(&*self.store, planned, facts, now).await;
        // derived facts stand behind what they are derived from
        for at in facts {
            let fact = &planned.facts[usize::from(*at)];
            if let Question::Derived(derivation) = &*fact.question {
                let sources = fact.from.iter().map(|at| &planned.facts[usize::from(*at)]);
                let asked = sources.filter(|one| one.held.is_none()).map(|one| one.fact.id.clone()).collect();
                let from = fact.from.iter().filter_map(|at| {
                    Some((planned.facts[usize::from(*at)].fact.id.clone(), gathered.get(at)?.reading.clone()))
                });
                let reading = {
                    let sources = derive::Sources {
                        facts: from.collect(),
                        asked,
                        asset: &planned.member.asset,
                        zoning: &planned.zoning,
                        windows: &planned.member.windows,
                        register: planned.register.as_deref(),
                        asking: &planned.asking,
                        dated: &planned.carried,
                        recall: recall.as_ref(),
                        lifecycle: &self.lifecycle.load(),
                        carried: &self.carried.load(),
                        book: &self.book.load(),
                        now: self.time(contact),
                    };
                    derive::derive(derivation, &sources)
                };
                let reading = match &fact.fact.remember {
                    Some(remember) => self.remember(planned, &fact.fact, remember, reading, self.time(contact)).await,
                    None => reading,
                };
                gathered.insert(*at, self.unasked(&fact.fact.id, reading));
            }
        }
        (gathered, reachable)
    }

    /// Turns a reply into a reading: extraction, row steps, memory of rows.
    async fn read(&self, planned: &PlannedAsset, at: FactIndex, reply: Reply, now: Time, live: bool) -> Gathered {
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
            Some(remember) => self.remember(planned, fact, remember, reading, now).await,
            None => reading,
        };
        let reading = match &fact.history {
            // a recording stands still while the clock does not
            Some(history) if live => self.compare(planned, fact, history, reading, reply.asked_at).await,
            _ => reading,
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
    async fn remember(
        &self,
        planned: &PlannedAsset,
        fact: &Fact,
        remember: &Remember,
        reading: Reading,
        now: Time,
    ) -> Reading {
        let Reading::Known(value) = reading else { return reading };
        let rows = value.as_list().or_else(|| value.get("rows")?.as_list()).unwrap_or_default();
        let watch = std::iter::once(Remember::WATCH.to_owned());
        let names: Vec<String> = watch.chain(rows.iter().filter_map(|row| remember.name(row))).collect();
        match self.store.first_seen(&planned.member.asset.id, &fact.id, names.clone(), now).await {
            Ok(times) => {
                let known: BTreeMap<String, Time> = names.into_iter().zip(times).collect();
                let watched_since = known.get(Remember::WATCH).copied();
                let mut first_seen = |name: &str| known.get(name).copied().unwrap_or(now);
                Reading::Known(remember.mark(value, now, watched_since, &mut first_seen))
            }
            Err(error) => Reading::missing(Cause::Internal, format!("the store cannot say since when: {error}")),
        }
    }

    /// Adds what changed since an earlier visit, and keeps the numbers for a later one.
    async fn compare(
        &self,
        planned: &PlannedAsset,
        fact: &Fact,
        history: &History,
        reading: Reading,
        at: Time,
    ) -> Reading {
        let Reading::Known(value) = reading else { return reading };
        let (asset, since) = (&planned.member.asset.id, history.since(at));
        let compared = async {
            let earlier = self.store.samples(asset, &fact.id, since).await?;
            let own = match &history.less {
                Some(less) => {
                    self.store.samples(asset, &less.fact, earlier.first().map_or(at, |first| first.at)).await?
                }
                None => Vec::new(),
            };
            if let Some(sample) = history.sample(&value, at) {
                self.store.keep_sample(asset, &fact.id, sample, since, !history.keep.is_empty()).await?;
            }
            Ok::<_, StoreError>((earlier, own))
        };
        match compared.await {
            Ok((earlier, own)) => Reading::Known(history.mark(value, at, &earlier, &own)),
            Err(error) => Reading::missing(Cause::Internal, format!("the store cannot say what changed: {error}")),
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
        moment: &Moment,
    ) -> Vec<CheckResult> {
        let mut verdicts: BTreeMap<CheckId, Verdict> = BTreeMap::new();
        let mut results = Vec::with_capacity(checks.len());
        for at in checks {
            let one = &planned.checks[usize::from(*at)];
            let judgement = {
                let _span = info_span!("judge", check = %one.check.id).entered();
                Self::judge(planned, one, gathered, &verdicts, moment)
            };
            verdicts.insert(one.check.id.clone(), judgement.verdict);
            results.push(self.result(planned, one, judgement, gathered, moment));
        }
        results
    }

    fn judge(
        planned: &PlannedAsset,
        one: &PlannedCheck,
        gathered: &BTreeMap<FactIndex, Gathered>,
        verdicts: &BTreeMap<CheckId, Verdict>,
        moment: &Moment,
    ) -> Judgement {
        if let Some(Missing { cause, detail }) = Self::held(planned, one, moment.now) {
            return Judgement { params: Arc::clone(&one.params), ..Judgement::unknown(cause, detail) };
        }
        let facts: BTreeMap<FactId, Reading> = one
            .facts
            .iter()
            .filter_map(|at| Some((planned.facts[usize::from(*at)].fact.id.clone(), gathered.get(at)?.reading.clone())))
            .collect();
        let context = rule::Context {
            facts: &facts,
            params: &one.params,
            asset: &planned.member.asset,
            verdicts,
            now: moment.judged,
        };
        judge(&one.check.rule, &context)
    }

    /// The checks whose facts may be asked now: nothing is sent for a check that is held.
    fn unheld(planned: &PlannedAsset, checks: &[CheckIndex], now: Time) -> Vec<CheckIndex> {
        let is_unheld = |at: &&CheckIndex| Self::held(planned, &planned.checks[usize::from(**at)], now).is_none();
        checks.iter().filter(is_unheld).copied().collect()
    }

    /// Why a fact is not asked now, whoever wants it.
    fn kept_back(planned: &PlannedAsset, fact: &PlannedFact, now: Time) -> Option<Missing> {
        let reads = fact.question.is_protocol_read() && planned.member.access.replay.is_none();
        fact.held.clone().or_else(|| if reads { Self::waits_for_a_window(planned, now) } else { None })
    }

    /// Why a check is not measured now.
    fn held(planned: &PlannedAsset, one: &PlannedCheck, now: Time) -> Option<Missing> {
        if one.held.is_some() || one.check.impact != Impact::Avoid {
            return one.held.clone();
        }
        Self::waits_for_a_window(planned, now)
    }

    fn waits_for_a_window(planned: &PlannedAsset, now: Time) -> Option<Missing> {
        let open = planned.member.windows.iter().any(|window| window.is_open(WindowEffect::Intrusive, now));
        (!open).then(|| Missing::new(Cause::Gated, "waits for the next window with the effect intrusive"))
    }

    fn result(
        &self,
        planned: &PlannedAsset,
        one: &PlannedCheck,
        judgement: Judgement,
        gathered: &BTreeMap<FactIndex, Gathered>,
        moment: &Moment,
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
            evidence: Evidence {
                items,
                vantage: self.vantage.clone(),
                trace_id: telemetry::current_trace_id(),
                listed: listing::of(planned, one, &|at| gathered.get(&at).map(|one| &one.reading)),
                ..Evidence::default()
            },
            at: moment.now,
            duration_ms: u64::try_from(moment.start.elapsed().as_millis()).unwrap_or(u64::MAX),
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
        if !reply.was_refused_by_gate() && !reply.asked_nothing() {
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
