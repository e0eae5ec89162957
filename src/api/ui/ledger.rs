//! The ledger: where the chain stands, and the changes in it.

use axum::extract::State;
use maud::{Markup, html};

use super::Answer;
use super::parts::{bounded, choice, minute, moment, state};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{Query, Refusal};
use crate::model::{Cause, Severity, Verdict};
use crate::store::{Examination, Filter, LedgerRecord};

/// Changes on a page.
const SHOWN: usize = 100;

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let text = query.without("before");
    let (zone, states, severities) = (query.text("zone"), query.states()?, query.severities()?);
    let filter = Filter {
        zone: zone
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error| Refusal::InvalidValue(format!("zone: {error}")))?,
        state: states.first().map(|state| (*state).to_owned()),
        severity: severities.first().copied(),
        before: query.number("before")?,
        ..Filter::default()
    };
    query.finish()?;
    let head = inner.desk.store.head().await.map_err(Refusal::from)?;
    let records = inner.desk.store.transitions(filter, SHOWN).await.map_err(Refusal::from)?;
    let zones: Vec<String> = inner.desk.board.read().zones.keys().map(ToString::to_string).collect();
    let next = records.last().filter(|_| records.len() == SHOWN).map(|record| record.seq);
    let main = html! {
        p { @match head {
            Some(head) => { "The chain has " (head.seq) " records. Its head is " code.digest { (head) } ". Keep it elsewhere: " code { "nis2watch ledger verify" }
                " proves offline that nothing before it was changed." },
            None => "The chain is empty.",
        } }
        (examined(inner.desk.operator.examined().as_deref()))
        form.filter method="get" role="search" {
            (choice("Into the state", "state", states.first().copied(), Verdict::WORDS))
            (choice("Severity", "severity", severities.first().map(|one| one.word()), Severity::ALL.iter().map(|one| one.word())))
            (choice("Zone", "zone", zone.as_deref(), zones.iter().map(String::as_str)))
            button { "Show" }
        }
        (changes(&records))
        @if let Some(next) = next { p.pager { a rel="next" href={ "/ledger?" (text) (if text.is_empty() { "" } else { "&" }) "before=" (next) } { "Older" } } }
    };
    Ok(shell(&inner, "Ledger", "/ledger", &main))
}

fn examined(found: Option<&Examination>) -> Markup {
    html! {
        @match found {
            None => p { "The daemon has not walked the chain yet." },
            Some(found) if found.problems.is_empty() => p { span.state.pass { "intact" } " The daemon walked all " (found.records)
                " records " (minute(found.at)) " and found them as they were written." },
            Some(found) => div {
                p { span.state.fail { "broken" } " The daemon walked the chain " (minute(found.at)) " and found that it is not as it was written:" }
                ul { @for problem in &found.problems { li { (bounded(problem)) } } }
            },
        }
    }
}

fn changes(records: &[LedgerRecord]) -> Markup {
    html! {
        table.findings aria-label="Changes, the newest first" {
            thead { tr { th scope="col" { "When" } th scope="col" { "Asset and check" } th scope="col" { "Change" }
                th scope="col" { "Reason" } th.number scope="col" { "Record" } } }
            tbody { @for record in records {
                @let change = &record.transition;
                tr {
                    td data-label="When" { (moment(change.at)) }
                    td data-label="Asset and check" { a href={ "/assets/" (change.asset) "/" (change.check) } { (change.asset) ": " (change.check) } br; small { (change.zone) ", " (change.severity) } }
                    td data-label="Change" { @match change.from { Some(from) => { (state(from.word(), None)) " to " }, None => "first seen as " }
                        (state(change.to.word(), change.to.cause().map(Cause::word))) @if change.is_drift() { " " b { "drift" } } }
                    td data-label="Reason" { (bounded(&change.reason)) }
                    td.number data-label="Record" { (record.seq) }
                }
            } }
        }
    }
}
