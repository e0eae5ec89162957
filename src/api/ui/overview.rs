//! The overview: how the plant stands zone by zone, what changed, and what needs somebody.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use tokio::time::{Duration, Instant};

use super::Answer;
use super::parts::{because, counts, moment, pairs, prose, state, what_to_do};
use super::shell::shell;
use crate::api::router::{Inner, Shared};
use crate::api::v1::{self, Entry, Order, Query, Refusal};
use crate::api::{Pair, Tally};
use crate::engine::Plan;
use crate::model::{Cause, Transition, Verdict, ZoneId};

/// How long a summary is shown while verdicts come in.
const FRESH: Duration = Duration::from_secs(2);
/// Findings that are shown, fails first: what a shift can look at. The rest is one click away.
const SHOWN: usize = 10;
/// Changes that are shown.
const FEED: usize = 8;

/// How the plant stands at one moment. It is made anew when something changed, and not for every look.
#[derive(Debug)]
pub(in crate::api) struct Summary {
    read_at: Instant,
    revision: u64,
    total: Tally,
    zones: Vec<(ZoneId, usize, Tally)>,
    causes: Vec<(&'static str, u32)>,
    /// The most urgent unknown of each cause: what to do about one says more than what to do about any.
    examples: Vec<Entry>,
    feed: Vec<Transition>,
    findings: Vec<Entry>,
    more: usize,
    waiting: u32,
}

impl Summary {
    async fn read(inner: &Inner) -> Result<Self, Refusal> {
        let (mut summary, plan, chosen, examples) = Self::look(inner);
        summary.findings = v1::entries(inner, &plan, &chosen).await?;
        summary.examples = v1::entries(inner, &plan, &examples).await?;
        Ok(summary)
    }

    /// What the board says; of it, which pairs are shown in full, and which are examples of a cause.
    fn look(inner: &Inner) -> (Self, Arc<Plan>, Vec<Pair>, Vec<Pair>) {
        let (plan, mut summary, urgent) = {
            let board = inner.desk.board.read();
            let mut zones: Vec<_> = board.zones.iter().map(|(zone, tally)| (zone.clone(), 0, *tally)).collect();
            for planned in &board.plan.assets {
                let zone = &planned.member.asset.zone;
                if let Ok(at) = zones.binary_search_by(|(known, ..)| known.cmp(zone)) {
                    zones[at].1 += 1;
                }
            }
            let is_urgent = |pair: &Pair| pair.cell.is_some() && matches!(pair.state(), "fail" | "unknown" | "warn");
            let urgent: Vec<Pair> = board.pairs().filter(is_urgent).collect();
            // what was never judged is told as that
            let waiting = |cause: &str| if cause == Cause::NoData.word() { board.waiting } else { 0 };
            let known = board.causes.iter().map(|(cause, count)| (*cause, count.saturating_sub(waiting(cause))));
            let mut causes: Vec<_> = known.collect();
            causes.retain(|(_, count)| *count > 0);
            causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let summary = Self {
                read_at: Instant::now(),
                revision: board.revision,
                total: board.total,
                zones,
                causes,
                examples: Vec::new(),
                feed: board.feed.iter().take(FEED).cloned().collect(),
                findings: Vec::new(),
                more: 0,
                waiting: board.waiting,
            };
            (Arc::clone(&board.plan), summary, urgent)
        };
        let mut chosen = Vec::new();
        for word in ["fail", "unknown", "warn"] {
            let mut some: Vec<Pair> = urgent.iter().filter(|pair| pair.state() == word).copied().collect();
            let room = SHOWN - chosen.len();
            summary.more += some.len().saturating_sub(room);
            if room > 0 {
                Order::URGENT.sort(&plan, &mut some);
                some.truncate(room);
            } else {
                some.clear();
            }
            chosen.extend(some);
        }
        let examples = examples(&plan, &urgent);
        (summary, plan, chosen, examples)
    }

    fn is_fresh(&self, revision: u64) -> bool {
        self.revision == revision || self.read_at.elapsed() < FRESH
    }
}

/// For each cause its most urgent pair.
fn examples(plan: &Plan, pairs: &[Pair]) -> Vec<Pair> {
    let mut all: BTreeMap<Cause, Pair> = BTreeMap::new();
    let severity = |pair: &Pair| pair.of(plan).1.check.severity;
    for pair in pairs {
        let Some(cause) = pair.cause() else { continue };
        let known = all.entry(cause).or_insert(*pair);
        if severity(pair) > severity(known) {
            *known = *pair;
        }
    }
    all.into_values().collect()
}

pub(super) async fn page(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    v1::view(&inner)?;
    let revision = inner.desk.board.read().revision;
    // one reader makes the summary, the others wait for it and share it
    let mut kept = inner.summary.lock().await;
    let summary = match kept.as_ref().filter(|summary| summary.is_fresh(revision)) {
        Some(summary) => Arc::clone(summary),
        None => Arc::clone(kept.insert(Arc::new(Summary::read(&inner).await?))),
    };
    drop(kept);
    let main = html! {
        ul.tiles.total aria-label="All pairs of an asset and a check, by state" {
            @for (word, count) in Verdict::WORDS.iter().zip(summary.total.states()) {
                li class=(word) { a href={ "/results?state=" (word) } { b { (count) } (word.replace('_', " ")) } }
            }
        }
        h2 { "Zones" }
        ul.tiles.zones { @for (zone, assets, tally) in &summary.zones { (tile(zone, *assets, tally)) } }
        h2 { "What changed" }
        (feed(&summary.feed))
        h2 { "What needs somebody first" }
        (findings(&summary))
        h2 { "Why something is unknown" }
        (causes(&summary))
    };
    Ok(shell(&inner, "Overview", "/", &main))
}

fn tile(zone: &ZoneId, assets: usize, tally: &Tally) -> Markup {
    let word = tally.leading();
    let worst = tally.worst(Verdict::Fail).or_else(|| tally.worst(Verdict::Unknown(Cause::NoData)));
    html! {
        li class=(word) {
            a href={ "/assets?zone=" (zone) } { @if zone.is_nowhere() { "no zone" } @else { (zone) } }
            " " small { (assets) (if assets == 1 { " asset" } else { " assets" }) }
            p.worst { (state(word, None)) @if let Some(worst) = worst.filter(|_| matches!(word, "fail" | "unknown")) {
                ", the worst " (worst) } }
            (counts(tally))
        }
    }
}

fn feed(changes: &[Transition]) -> Markup {
    html! {
        @if changes.is_empty() { p { "Nothing has changed since the watch began." } }
        ul.feed { @for change in changes {
            li {
                (moment(change.at)) " "
                a href={ "/assets/" (change.asset) "/" (change.check) } { (change.asset) ": " (change.check) } " "
                @if let Some(from) = change.from { (state(from.word(), None)) " to " }
                (state(change.to.word(), change.to.cause().map(Cause::word)))
                @if change.is_drift() { " " b { "drift" } }
            }
        } }
        p { a href="/ledger" { "All changes" } }
    }
}

fn causes(summary: &Summary) -> Markup {
    html! {
        @if summary.causes.is_empty() && summary.waiting == 0 { p { "Nothing is unknown." } }
        ul.feed {
            @for (cause, count) in &summary.causes {
                li { b { (count) } " " a href={ "/results?state=unknown&cause=" (cause) } { (because(cause)) } (example(summary, cause)) }
            }
            @if summary.waiting > 0 { li { b { (summary.waiting) } " not judged yet: the next visits will tell" } }
        }
    }
}

fn example(summary: &Summary, cause: &str) -> Markup {
    let one = summary.examples.iter().find(|entry| entry.cause == Some(cause));
    html! {
        @if let Some(one) = one {
            br; small { "for one, " a href={ "/assets/" (one.asset) "/" (one.check) } { (one.asset) ": " (one.check) } ". " (prose(what_to_do(one))) }
        }
    }
}

fn findings(summary: &Summary) -> Markup {
    html! {
        @if summary.waiting > 0 { p { (waiting(summary.waiting)) } }
        @if summary.findings.is_empty() && summary.waiting > 0 {
            p { "Nothing yet." }
        } @else if summary.findings.is_empty() {
            p { "Nothing: no check fails, warns or is unknown." }
        } @else {
            (pairs(&summary.findings, true, true))
            @if summary.more > 0 {
                p { "and " (summary.more) " more: " a href="/results?state=fail,unknown,warn&sort=-severity" { "all of them" } "." }
            }
        }
    }
}

fn waiting(pairs: u32) -> String {
    let (checks, have) = if pairs == 1 { ("check", "has") } else { ("checks", "have") };
    format!("{pairs} {checks} {have} not been judged yet and count as unknown until then; the next visits will tell.")
}
