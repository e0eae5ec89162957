//! What was seen of values that have a baseline, what differs from what was approved, and deciding about it.

use axum::extract::State;
use maud::{Markup, html};
use serde_json::json;

use super::Answer;
use super::parts::{choice, minute, moment, pager};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{Query, SHORT, WantedBaselines};
use crate::duties::baseline::{Difference, Snapshot, Standing, compared};
use crate::store::Baseline;

/// Names of a kind that are shown; the API has all of them.
const SHOWN: usize = 40;

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let text = query.without("offset");
    let (wanted, page) = (WantedBaselines::take(&mut query)?, query.page_of(SHORT)?);
    query.finish()?;
    let mut found = wanted.find(&inner).await?;
    // what needs a decision first
    let urgency = |one: &Baseline| match one.standing.as_str() {
        "differs" => 0,
        "expired" | "outdated" => 1,
        "planned" => 2,
        "proposed" => 3,
        _ => 4,
    };
    found.sort_by_key(urgency);
    let chosen = wanted.states.first().copied().filter(|_| wanted.states.len() == 1);
    let main = html! {
        p { "A value is proposed when it is first seen. Once a person has approved it, every difference is drift until it is approved, too, \
            or taken back on the device. Deciding needs the role approver and a reason, and stands in the ledger." }
        form.filter method="get" role="search" {
            (choice("State", "state", chosen, Standing::WORDS))
            button { "Show" }
        }
        p { (found.len()) (if found.len() == 1 { " value" } else { " values" }) }
        @if found.is_empty() { p { "Nothing was seen yet that has a baseline and stands so." } } @else {
            table.findings aria-label="Values with a baseline" {
                thead { tr {
                    th scope="col" { "State" } th scope="col" { "Asset" } th scope="col" { "Check" } th scope="col" { "What differs" }
                    th scope="col" { "Approved" } th scope="col" { "Decide" }
                } }
                tbody { @for one in page.of(&found) { (row(one)) } }
            }
        }
        (pager("/baselines", &text, page.offset, page.limit, found.len()))
    };
    Ok(shell(&inner, "Baselines", "/baselines", &main))
}

fn row(one: &Baseline) -> Markup {
    let (seen, difference) = compared(one);
    html! {
        tr {
            td data-label="State" { span class={ "state " (class(&one.standing)) } { (one.standing) } br; small { "seen since " (moment(one.since)) } }
            td data-label="Asset" { a href={ "/assets/" (one.asset) } { (one.asset) } br; small { (one.zone) } }
            td data-label="Check" { a href={ "/assets/" (one.asset) "/" (one.check) } { (one.check) } }
            td data-label="What differs" { (what(seen.as_ref(), difference.as_ref()))
                @if let Some(plan) = &one.plan { p { small { "Announced until " (minute(plan.until)) ": " (plan.ticket) } } } }
            td data-label="Approved" { @match &one.approval {
                None => "by nobody",
                Some(approval) => { (approval.actor) ", " (moment(approval.at)) br; small { (approval.reason)
                    @if let Some(until) = approval.until { "; until " (minute(until)) } } },
            } }
            td data-label="Decide" { (decide(one, difference.as_ref())) }
        }
    }
}

/// Names of the parts: those that differ, or all of a value that nobody has approved.
fn what(seen: Option<&Snapshot>, difference: Option<&Difference>) -> Markup {
    let list = |sign: &str, names: &[String]| {
        html! {
            @for name in names.iter().take(SHOWN) { li { b { (sign) } " " code { (name) } } }
            @if names.len() > SHOWN { li { "and " (names.len() - SHOWN) " more" } }
        }
    };
    html! {
        @match (difference, seen) {
            (Some(difference), _) if *difference == Difference::default() => "nothing",
            (Some(difference), _) => ul.parts {
                (list("+", &difference.added)) (list("−", &difference.missing)) (list("~", &difference.changed))
            },
            (None, Some(seen)) => {
                (seen.count) (if seen.count == 1 { " part" } else { " parts" })
                @if !seen.parts.is_empty() {
                    details { summary { "Show" }
                        ul.parts { (list("", &seen.parts.keys().take(SHOWN + 1).cloned().collect::<Vec<_>>())) } }
                }
            },
            (None, None) => "a newer program wrote this",
        }
    }
}

fn decide(one: &Baseline, difference: Option<&Difference>) -> Markup {
    let path = format!("/api/v1/baselines/{}/{}", one.asset, one.check);
    let is_approved = difference.is_some_and(|difference| *difference == Difference::default());
    html! {
        details {
            summary { "Decide" }
            form.act {
                label { "Reason " input name="reason" required maxlength="500"; }
                @if !is_approved || one.standing != "approved" {
                    button type="button" data-act={ (path) "/approve" } data-body=(json!({ "sha256": one.sha256 })) { "Approve what is there" }
                }
                @if one.approval.is_some() {
                    button type="button" data-act={ (path) "/revert" } { "Take the last approval back" }
                }
            }
        }
    }
}

fn class(standing: &str) -> &'static str {
    match standing {
        "approved" => "pass",
        "differs" => "fail",
        "proposed" => "unknown",
        _ => "warn",
    }
}
