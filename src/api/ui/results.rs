//! Pairs of an asset and a check, filtered: where the counts of other pages lead.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::Answer;
use super::parts::{because, choice, pager, pairs};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{self, Order, Query, WantedPairs};
use crate::model::{Cause, Severity, Verdict};

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let text = query.without("offset");
    let (wanted, order, page) = (WantedPairs::take(&mut query)?, Order::take(&mut query)?, query.page()?);
    query.finish()?;
    let (mut found, plan, zones) = {
        let board = inner.desk.board.read();
        let zones: Vec<String> = board.zones.keys().map(ToString::to_string).collect();
        (wanted.find(&board)?, Arc::clone(&board.plan), zones)
    };
    order.sort(&plan, &mut found);
    let entries = v1::entries(&inner, &plan, page.of(&found)).await?;
    let main = html! {
        form.filter method="get" role="search" {
            (choice("State", "state", wanted.states.first().copied().filter(|_| wanted.states.len() == 1), Verdict::WORDS))
            (choice("Cause", "cause", wanted.causes.first().copied(), Cause::ALL.iter().map(|cause| cause.word())))
            (choice("Severity", "severity", wanted.severities.first().map(|one| one.word()), Severity::ALL.iter().map(|one| one.word())))
            (choice("Zone", "zone", wanted.zone.as_deref(), zones.iter().map(String::as_str)))
            @if let Some(check) = &wanted.check { input type="hidden" name="check" value=(check); }
            input type="hidden" name="sort" value="-severity";
            button { "Show" }
        }
        @if let [cause] = wanted.causes.as_slice() { p { "Unknown because: " (because(cause)) } }
        p { (found.len()) (if found.len() == 1 { " verdict" } else { " verdicts" }) }
        (pairs(&entries, true, true))
        (pager("/results", &text, page.offset, page.limit, found.len()))
    };
    Ok(shell(&inner, "Verdicts", "", &main))
}
