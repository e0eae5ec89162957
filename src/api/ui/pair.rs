//! One verdict with everything it rests on, and the judgements before it.

use std::sync::Arc;

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::check::sentences;
use super::parts::{because, bounded, minute, moment, prose, standing, state, what_to_do};
use super::shell::shell;
use super::{Answer, runbooks};
use crate::api::router::Shared;
use crate::api::v1::{self, Query, Refusal};
use crate::catalog::Check;
use crate::model::{Cause, Evidence, Judgement, Params, Value, Verdict};
use crate::store::Stored;

/// Judgements that are shown.
const SHOWN: usize = 20;
/// Longest value that is shown, in characters; the API has it whole.
const LONGEST: usize = 6_000;

pub(super) async fn page(State(inner): Shared, Path((asset, check)): Path<(String, String)>, query: Query) -> Answer {
    query.finish()?;
    let (plan, pair) = v1::pair(&inner, &asset, &check)?;
    let (planned, one) = pair.of(&plan);
    let entry = v1::entries(&inner, &plan, &[pair]).await?.pop().ok_or(Refusal::Internal)?;
    let history =
        inner.desk.store.evidence(&planned.member.asset.id, &one.check.id, SHOWN).await.map_err(Refusal::from)?;
    let check = Arc::clone(&one.check);
    let main = html! {
        p { a href={ "/assets/" (entry.asset) } { (entry.asset) } " · " a href={ "/assets?zone=" (entry.zone) } { (entry.zone) }
            " · " a href={ "/checks/" (entry.check) } { (entry.check) } }
        p.verdict { (standing(&entry)) @if let Some(since) = entry.since { " since " (moment(since)) } }
        dl {
            dt { "Reason" } dd { @match &entry.reason { Some(reason) => (bounded(reason)), None => "not judged yet" } }
            @if !what_to_do(&entry).is_empty() { dt { "What to do" } dd { (prose(what_to_do(&entry))) } }
            @if !check.rationale.is_empty() { dt { "Why it matters" } dd { (check.rationale) } }
            @if !check.proves.is_empty() { dt { "What a pass does not prove" } dd { (check.proves) } }
            @if check.drift.is_some() { dt { "Baseline" } dd {
                a href={ "/baselines?asset=" (entry.asset) "&check=" (entry.check) } { "what is approved, and what differs from it" } } }
            @if entry.state == "fail" { dt { "Accept it" } dd {
                a href={ "/waivers?asset=" (entry.asset) "&check=" (entry.check) } { "for a time, with a reason" } } }
            @if let Some(alert) = runbooks::about(entry.state) { dt { "Runbook" } dd { a href={ "/runbooks/" (alert) } { (alert) } } }
            dt { "Evidence for" } dd { @for control in &entry.controls { a href={ "/controls#" (control) } { (control) } " " } }
        }
        @if let Some(newest) = history.first() { (rests_on(&check, newest)) }
        h2 { "Judgements before" }
        @if history.len() < 2 { p { "None that differ." } } @else { (before(&history[1..])) }
        p { a href={ "/api/v1/results/" (entry.asset) "/" (entry.check) "/evidence" } { "All of it as JSON" } }
    };
    Ok(shell(&inner, &check.title, "/assets", &main))
}

fn rests_on(check: &Check, stored: &Stored) -> Markup {
    let (result, judgement) = (&stored.result, &stored.result.judgement);
    let places = places(judgement);
    html! {
        h2 { "What it rests on" }
        dl {
            dt { "Judged" } dd { (minute(result.at)) ", " (stored.times) (if stored.times == 1 { " time" } else { " times" })
                " the same since " (minute(stored.first_at)) ", with version " (result.check_version) " of the check" }
            @if places.is_none() { (compared(check, judgement)) }
        }
        @if let Some(places) = &places { (decided(places)) }
        dl {
            @if !judgement.params.is_empty() { dt { "Parameters" } dd { (params(&judgement.params)) } }
            @if let Some(finding) = &result.evidence.finding {
                dt { "Waiver" } dd { a href={ "/waivers#" (finding.waiver) } { (finding.waiver) } @if finding.suspended { ", suspended" } @if finding.partly { ", in part" } ": " (bounded(&finding.reason)) }
            }
        }
        (asked(&result.evidence))
    }
}

/// One assertion among several that decided.
struct Place<'a> {
    way: &'a str,
    rule: &'a str,
    says: &'a str,
    wanted: &'a str,
    seen: &'a Value,
}

/// The assertions that decided, where they are several; nothing for a single one, and for what an older version wrote.
fn places(judgement: &Judgement) -> Option<Vec<Place<'_>>> {
    let (named, seen) = (judgement.expected.as_list()?, judgement.observed.as_list()?);
    let is_place = |value: &Value| value.get("rule").or(value.get("says")).and_then(Value::as_text).is_some();
    if named.len() < 2 || named.len() != seen.len() || !named.first().is_some_and(is_place) {
        return None;
    }
    Some(named.iter().zip(seen).map(|(named, seen)| Place::of(named, seen)).collect())
}

impl<'a> Place<'a> {
    fn of(named: &'a Value, seen: &'a Value) -> Self {
        let field = |name| named.get(name).and_then(Value::as_text).unwrap_or_default();
        // what stands for those that are left out is a text of its own
        let says = named.as_text().unwrap_or_else(|| field("says"));
        Self { way: field("way"), rule: field("rule"), says, wanted: field("wanted"), seen }
    }
}

fn decided(places: &[Place<'_>]) -> Markup {
    let has_ways = places.iter().any(|place| !place.way.is_empty());
    let is_sole = places.iter().all(|place| !place.way.is_empty());
    let has_letters = places.iter().any(|place| place.way.contains(|c: char| c.is_ascii_uppercase()));
    html! {
        h3 { "What decided" }
        @if has_ways {
            p { @if has_letters { "Of each letter one way must be so, with all its lines." } @else { "One way would do, with all its lines." }
                @if !is_sole { " A line without a way must be so in any case." } }
        }
        table.findings.decided aria-label="What was looked at, what was seen, and what was wanted" {
            thead { tr {
                @if has_ways { th scope="col" { "Way" } }
                th scope="col" { "What is looked at" } th scope="col" { "Seen" } th scope="col" { "Wanted" }
            } }
            tbody { @for place in places {
                tr {
                    @if has_ways { td data-label="Way" { (place.way) } }
                    th scope="row" { (place.rule) @if !place.says.is_empty() { br; small { (bounded(place.says)) } } }
                    td data-label="Seen" { (value(place.seen)) }
                    td data-label="Wanted" { (bounded(place.wanted)) }
                }
            } }
        }
    }
}

/// What a single assertion saw, with what it was compared with: whether that is wanted or forbidden says the sentence.
fn compared(check: &Check, judgement: &Judgement) -> Markup {
    let key = match judgement.verdict {
        Verdict::NotApplicable => "not_applicable_when",
        Verdict::Unknown(_) => "requires",
        Verdict::Warn => "warn",
        _ => "assert",
    };
    html! {
        @if judgement.observed != Value::Null || judgement.expected != Value::Null {
            dt { "Observed" } dd { (value(&judgement.observed)) }
            dt { "Compared with" } dd { (value(&judgement.expected)) }
        }
        (sentences(check, key))
    }
}

fn asked(evidence: &Evidence) -> Markup {
    html! {
        @if evidence.items.is_empty() { p { "Nobody was asked." } } @else {
            table.findings aria-label="What was asked, and what came back" {
                thead { tr { th scope="col" { "Fact" } th scope="col" { "Over" } th scope="col" { "Question" }
                    th scope="col" { "Asked" } th scope="col" { "Answer" } } }
                tbody { @for item in &evidence.items {
                    tr {
                        th scope="row" { (item.fact) }
                        td data-label="Over" { (item.transport) }
                        td data-label="Question" { code { (bounded(&item.question)) } }
                        td data-label="Asked" { (moment(item.asked_at)) br; small { (item.took_ms) " ms from " (evidence.vantage) } }
                        td data-label="Answer" { @match item.cause {
                            Some(cause) => { span.unknown { "none: " } (because(cause.word())) },
                            None => { "SHA-256 " code.digest { (item.answer_sha256) } },
                        } }
                    }
                } }
            }
        }
    }
}

fn before(history: &[Stored]) -> Markup {
    html! {
        table.findings aria-label="Judgements before, the newest first" {
            thead { tr { th scope="col" { "State" } th scope="col" { "From" } th scope="col" { "Until" } th scope="col" { "Reason" } } }
            tbody { @for stored in history {
                @let verdict = stored.result.judgement.verdict;
                tr {
                    td data-label="State" { (state(verdict.word(), verdict.cause().map(Cause::word))) }
                    td data-label="From" { (moment(stored.first_at)) }
                    td data-label="Until" { (moment(stored.result.at)) }
                    td data-label="Reason" { (bounded(&stored.result.judgement.reason)) }
                }
            } }
        }
    }
}

/// A value as it was read: plain ones and lists of plain ones as they are, others laid out as JSON.
fn value(value: &Value) -> Markup {
    let is_plain = |value: &Value| !matches!(value, Value::List(_) | Value::Map(_) | Value::Null);
    let text = match value {
        Value::Null => return html! { "nothing" },
        Value::List(items) if !items.is_empty() && items.iter().all(is_plain) => {
            // a line break in a device's own words makes no second item
            items.iter().map(|item| item.to_string().replace('\n', " ")).collect::<Vec<_>>().join("\n")
        }
        Value::List(_) | Value::Map(_) => serde_json::to_string_pretty(&value.to_json()).unwrap_or_default(),
        Value::Text(text) if text.is_empty() => "(empty)".to_owned(),
        plain => plain.to_string(),
    };
    let short: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(LONGEST).collect();
    let is_cut = text.chars().nth(LONGEST).is_some();
    html! { pre tabindex="0" { (short) @if is_cut { "…" } } }
}

fn params(params: &Params) -> Markup {
    let lines = params.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n");
    html! { pre { (lines) } }
}
