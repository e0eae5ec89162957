//! Accepted fails: until when, by whom, and accepting and ending them.

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};
use serde_json::json;

use super::Answer;
use super::forms::{behind, labels, reason, send, text, time, words};
use super::parts::{bounded, choice, minute, moment, pager};
use super::shell::shell;
use crate::api::router::{Inner, Shared};
use crate::api::v1::{Query, Refusal};
use crate::duties::{Selector, Waiver, offenders};
use crate::model::{AssetId, CheckId, Time, Verdict, ZoneId};

/// Longest list of names that a form is filled with, in bytes: what a field takes.
const LONGEST_NAMES: usize = 500;

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let said = query.without("offset");
    let (check, asset) = (query.text("check").unwrap_or_default(), query.text("asset").unwrap_or_default());
    let (wanted, page) = (query.words("state", &Waiver::STANDINGS)?, query.page()?);
    query.finish()?;
    let named = named(&inner, &asset, &check).await?;
    let (book, now) = (inner.desk.operator.book(), Utc::now());
    let is_meant = |waiver: &&Waiver| wanted.is_empty() || wanted.contains(&waiver.standing(now));
    let mut found: Vec<&Waiver> = book.waivers().iter().filter(is_meant).collect();
    found.sort_by_key(|waiver| {
        (Waiver::STANDINGS.iter().position(|state| *state == waiver.standing(now)), waiver.expires_at)
    });
    let chosen = wanted.first().copied().filter(|_| wanted.len() == 1);
    let main = html! {
        p { "A fail that somebody accepted is shown as waived and stays in the evidence; it comes back when the waiver ends, or when what makes \
            up for it is not green. Accepting and ending need the role approver and a reason, stand in the ledger and show within a minute." }
        form.filter method="get" role="search" { (choice("State", "state", chosen, Waiver::STANDINGS)) button { "Show" } }
        (behind("Accept fails", &accepting(&check, &asset, &named)))
        p { (found.len()) (if found.len() == 1 { " waiver" } else { " waivers" }) }
        @if !found.is_empty() {
            table.findings aria-label="Waivers" {
                thead { tr {
                    th scope="col" { "State" } th scope="col" { "Waiver" } th scope="col" { "Accepts fails of" } th scope="col" { "From, until" }
                    th scope="col" { "Instead" } th scope="col" { "Decide" }
                } }
                tbody { @for waiver in page.of(&found) { (row(waiver, now)) } }
            }
        }
        (pager("/waivers", &said, page.offset, page.limit, found.len()))
    };
    Ok(shell(&inner, "Waivers", "/waivers", &main))
}

/// What the fail that led here names: what comes later is not accepted with it, unless somebody says so.
async fn named(inner: &Inner, asset: &str, check: &str) -> Result<String, Refusal> {
    let (Ok(asset), Ok(check)) = (AssetId::parse(asset), CheckId::parse(check)) else { return Ok(String::new()) };
    let newest = inner.desk.store.evidence(&asset, &check, 1).await.map_err(Refusal::from)?;
    let fails = newest.first().filter(|stored| stored.result.judgement.verdict == Verdict::Fail);
    let names = fails.and_then(|stored| offenders(&stored.result.judgement.observed));
    let longest = |names: &Vec<String>| names.join(" ").len() <= LONGEST_NAMES;
    Ok(names.filter(longest).map_or_else(String::new, |names| names.join(" ")))
}

/// The form; `check`, `asset` and `only` are those of the fail that led here.
fn accepting(check: &str, asset: &str, only: &str) -> Markup {
    html! {
        (text("Id, such as w-2026-004", "id", true))
        (words("Checks", "match.check", true, check))
        (words("Assets, * for any text; all when left empty", "match.asset", false, asset))
        (words("Zones", "match.zone", false, ""))
        (words("Kinds", "match.kind", false, ""))
        (labels("Labels of assets, NAME=VALUE, one a line", "match.labels"))
        (words("Vulnerabilities: only findings that name no other", "match.cve", false, ""))
        (words("Only findings that name nothing but these ports, accounts or files; all, also what comes later, when left empty", "match.only", false, only))
        (time("Until, by your clock", "expires_at", true))
        (text("Who sees to it that it is mended", "owner", false))
        (text("What is done instead", "compensating_measure", false))
        (words("Checks that must stay green on the same asset, or CHECK@ASSET on another", "compensating", false, ""))
        (reason())
        (send("Accept", "/waivers", None))
    }
}

fn row(waiver: &Waiver, now: Time) -> Markup {
    let standing = waiver.standing(now);
    let class = if standing == "running" { "waived" } else { "unknown" };
    let ending = html! { (reason()) (send(if standing == "expired" { "It is settled" } else { "End it now" }, &format!("/waivers/{}/revoke", waiver.id), Some(&json!({})))) };
    html! {
        tr id=(waiver.id) {
            td data-label="State" { span class={ "state " (class) } { (standing.replace('_', " ")) } }
            td data-label="Waiver" { b { (waiver.id) } br; (bounded(waiver.reason.trim())) br;
                small { (waiver.approved_by.person) ", " (waiver.approved_by.role) } }
            td data-label="Accepts fails of" { (meaning(&waiver.selector)) }
            td data-label="From, until" { (minute(waiver.starts_at)) br; (moment(waiver.expires_at)) br;
                small { (waiver.owner.as_deref().unwrap_or("nobody")) " sees to it" } }
            td data-label="Instead" {
                @if let Some(measure) = &waiver.compensating_measure { (bounded(measure)) br; }
                @for one in &waiver.compensating { small { (one.check) @if let Some(asset) = &one.asset { " on " (asset) } } br; }
            }
            td data-label="Decide" {
                @if let Some(end) = &waiver.revocation { (minute(end.at)) br; small { (end.by) ": " (bounded(&end.reason)) } }
                @else { (behind("End", &ending)) }
            }
        }
    }
}

fn meaning(selector: &Selector) -> Markup {
    let list = |name: &str, words: Vec<&str>| (!words.is_empty()).then(|| format!("{name} {}", words.join(", ")));
    let texts = |all: &'_ [String]| all.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let labels = selector.labels.iter().map(|(name, words)| format!("{name}={}", texts(words)));
    let labels: Vec<String> = labels.collect();
    let narrowed = [
        list("assets", selector.asset.iter().map(String::as_str).collect()),
        list("zones", selector.zone.iter().map(ZoneId::as_str).collect()),
        list("kinds", selector.kind.iter().map(|kind| kind.word()).collect()),
        list("labels", labels.iter().map(String::as_str).collect()),
        list("only", selector.cve.iter().chain(&selector.only).map(String::as_str).collect()),
    ];
    html! {
        @for check in &selector.check { a href={ "/checks/" (check) } { (check) } " " }
        @for one in narrowed.iter().flatten() { br; small { (bounded(one)) } }
    }
}
