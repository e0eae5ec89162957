//! One verdict with everything it rests on, and the judgements before it.

use std::sync::Arc;

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::Answer;
use super::parts::{bounded, minute, moment, state, what_to_do};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{self, Query, Refusal};
use crate::model::{Evidence, Params, Value};
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
            " · " a href={ "/checks/" (entry.check) } { (entry.check) } " · " (entry.severity) }
        p.verdict { (state(entry.state, entry.cause)) @if let Some(since) = entry.since { " since " (moment(since)) } }
        dl {
            dt { "Reason" } dd { @match &entry.reason { Some(reason) => (bounded(reason)), None => "not judged yet" } }
            @if !what_to_do(&entry).is_empty() { dt { "What to do" } dd { (what_to_do(&entry)) } }
            @if !check.rationale.is_empty() { dt { "Why it matters" } dd { (check.rationale) } }
            @if !check.proves.is_empty() { dt { "What a pass does not prove" } dd { (check.proves) } }
            @if check.drift.is_some() { dt { "Baseline" } dd {
                a href={ "/baselines?asset=" (entry.asset) "&check=" (entry.check) } { "what is approved, and what differs from it" } } }
            @if entry.state == "fail" { dt { "Accept it" } dd {
                a href={ "/waivers?asset=" (entry.asset) "&check=" (entry.check) } { "for a time, with a reason" } } }
            dt { "Evidence for" } dd { @for control in &entry.controls { a href={ "/controls#" (control) } { (control) } " " } }
        }
        @if let Some(newest) = history.first() { (rests_on(newest)) }
        h2 { "Judgements before" }
        @if history.len() < 2 { p { "None that differ." } } @else { (before(&history[1..])) }
        p { a href={ "/api/v1/results/" (entry.asset) "/" (entry.check) "/evidence" } { "All of it as JSON" } }
    };
    Ok(shell(&inner, &check.title, "/assets", &main))
}

fn rests_on(stored: &Stored) -> Markup {
    let (result, judgement) = (&stored.result, &stored.result.judgement);
    html! {
        h2 { "What it rests on" }
        dl {
            dt { "Judged" } dd { (minute(result.at)) ", " (stored.times) (if stored.times == 1 { " time" } else { " times" })
                " the same since " (minute(stored.first_at)) ", with version " (result.check_version) " of the check" }
            dt { "Observed" } dd { (value(&judgement.observed)) }
            dt { "Expected" } dd { (value(&judgement.expected)) }
            @if !judgement.params.is_empty() { dt { "Parameters" } dd { (params(&judgement.params)) } }
            @if let Some(finding) = &result.evidence.finding {
                dt { "Waiver" } dd { a href="/waivers" { (finding.waiver) } @if finding.suspended { ", suspended" } @if finding.partly { ", in part" } ": " (bounded(&finding.reason)) }
            }
        }
        (asked(&result.evidence))
    }
}

fn asked(evidence: &Evidence) -> Markup {
    html! {
        @if evidence.items.is_empty() { p { "Nobody was asked." } } @else {
            table {
                thead { tr { th scope="col" { "Fact" } th scope="col" { "Over" } th scope="col" { "Question" }
                    th scope="col" { "Asked" } th scope="col" { "Answer" } } }
                tbody { @for item in &evidence.items {
                    tr {
                        th scope="row" { (item.fact) }
                        td { (item.transport) }
                        td { code { (bounded(&item.question)) } }
                        td { (moment(item.asked_at)) br; small { (item.took_ms) " ms from " (evidence.vantage) } }
                        td { @match item.cause {
                            Some(cause) => span.unknown { "none: " (cause) },
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
        table.findings {
            thead { tr { th scope="col" { "State" } th scope="col" { "From" } th scope="col" { "Until" } th scope="col" { "Reason" } } }
            tbody { @for stored in history {
                @let verdict = stored.result.judgement.verdict;
                tr {
                    td { (state(verdict.word(), verdict.cause().map(crate::model::Cause::word))) }
                    td { (moment(stored.first_at)) }
                    td { (moment(stored.result.at)) }
                    td { (bounded(&stored.result.judgement.reason)) }
                }
            } }
        }
    }
}

/// A value as it was read, laid out as JSON.
fn value(value: &Value) -> Markup {
    let text = match value {
        Value::Null => return html! { "nothing" },
        Value::Text(text) => text.to_string(),
        other => serde_json::to_string_pretty(&other.to_json()).unwrap_or_default(),
    };
    let short: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(LONGEST).collect();
    let is_cut = text.chars().nth(LONGEST).is_some();
    html! { pre tabindex="0" { (short) @if is_cut { "…" } } }
}

fn params(params: &Params) -> Markup {
    let lines = params.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n");
    html! { pre { (lines) } }
}
