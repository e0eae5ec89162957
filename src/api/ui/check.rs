//! The checks: the list of them, and one with its text, parameters and assets.

use std::sync::Arc;

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::Answer;
use super::parts::{counts, pairs};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{self, Order, Query, Refusal, WantedPairs, tallies};
use crate::catalog::Check;
use crate::model::Verdict;

/// Assets that are shown with a check.
const SHOWN: usize = 200;

pub(super) async fn list(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let view = v1::view(&inner)?;
    let main = {
        let board = inner.desk.board.read();
        let tallies = tallies(&board);
        html! {
            @for (id, pack) in &view.catalog.packs {
                @let checks: Vec<_> = view.catalog.checks.values().filter(|check| check.pack == *id).collect();
                @if !checks.is_empty() {
                    h2 { (pack.title) }
                    table.assets aria-label={ "Checks of the pack " (pack.title) } {
                        thead { tr { th scope="col" { "Check" } th scope="col" { "Severity" }
                            @for word in Verdict::WORDS { th.number scope="col" { (word.replace('_', " ")) } } } }
                        tbody { @for check in checks {
                            @let tally = tallies.get(check.id.as_str()).copied().unwrap_or_default();
                            tr {
                                th scope="row" { a href={ "/checks/" (check.id) } { (check.title) } br; small { (check.id) } }
                                td { (check.severity) }
                                @for (word, count) in Verdict::WORDS.iter().zip(tally.states()) {
                                    td class={ "number " (if count > 0 { *word } else { "none" }) } data-label=(word.replace('_', " ")) { (count) }
                                }
                            }
                        } }
                    }
                }
            }
        }
    };
    Ok(shell(&inner, "Checks", "/checks", &main))
}

pub(super) async fn page(State(inner): Shared, Path(id): Path<String>, query: Query) -> Answer {
    query.finish()?;
    let view = v1::view(&inner)?;
    let check = view.catalog.checks.get(id.as_str()).map(Arc::clone);
    let check = check.ok_or_else(|| Refusal::NotFound(format!("there is no check {id:?}")))?;
    let (mut found, plan, tally) = {
        let board = inner.desk.board.read();
        let wanted = WantedPairs { check: Some(id), ..WantedPairs::default() };
        let tally = tallies(&board).get(check.id.as_str()).copied().unwrap_or_default();
        (wanted.find(&board)?, Arc::clone(&board.plan), tally)
    };
    Order::URGENT.sort(&plan, &mut found);
    let order = ["fail", "unknown", "warn", "waived", "pass", "not_applicable"];
    found.sort_by_key(|pair| order.iter().position(|word| *word == pair.state()));
    let total = found.len();
    found.truncate(SHOWN);
    let entries = v1::entries(&inner, &plan, &found).await?;
    let main = html! {
        p { (check.id) " version " (check.version) " · pack " (&*check.pack) " · severity " b { (check.severity) }
            " · schedule " (check.schedule) " · impact " (check.impact) }
        (text(&check))
        h2 { "Assets" }
        (counts(&tally))
        @if entries.is_empty() { p { "It concerns no asset of this inventory: it looks at " (check.applies_to.to_string()) "." } }
        @else { (pairs(&entries, true, false)) }
        @if total > SHOWN { p { a href={ "/results?check=" (check.id) } { "All " (total) } } }
    };
    Ok(shell(&inner, &check.title, "/checks", &main))
}

/// The sentences under one key of a check file, as a line of a list of terms.
pub(super) fn sentences(check: &Check, key: &str) -> Markup {
    let title = match key {
        "not_applicable_when" => "Not applicable when any of",
        "requires" => "Unknown unless all of",
        "warn" => "Warns unless all of",
        _ => "Fails unless all of",
    };
    let said: Vec<_> = check.sentences.iter().filter(|(part, _)| *part == key).collect();
    html! { @if !said.is_empty() { dt { (title) } dd { ul { @for (_, sentence) in said { li { (sentence) } } } } } }
}

fn text(check: &Check) -> Markup {
    let lines = [
        ("What to do", &check.fix),
        ("Why it matters", &check.rationale),
        ("What a pass does not prove", &check.proves),
    ];
    html! {
        dl {
            @for (name, line) in lines { @if !line.is_empty() { dt { (name) } dd { (line) } } }
            dt { "Concerns" } dd { (check.applies_to.to_string()) }
            @for key in ["not_applicable_when", "requires", "assert", "warn"] { (sentences(check, key)) }
            @if !check.params.is_empty() {
                dt { "Parameters" } dd { ul { @for (name, value) in &check.params { li { code { (name) " = " (value.to_string()) } } } } }
            }
            dt { "Evidence for" } dd { @for control in &check.controls { a href={ "/controls#" (control) } { (control) } " " } }
        }
    }
}
