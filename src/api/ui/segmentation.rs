//! The matrix of zones: which paths are declared, and whether a look from inside shows that only those are open.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};

use super::Answer;
use super::parts::{pairs, state};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{self, Query, Refusal};
use crate::api::{Pair, Tally};
use crate::catalog::Question;
use crate::engine::Plan;
use crate::inventory::Zoning;
use crate::model::{Verdict, ZoneId};
use crate::store::Stored;

/// The checks that look from zone to zone.
const PACK: &str = "segmentation";
/// Findings that are shown.
const SHOWN: usize = 200;

pub(super) async fn page(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    v1::view(&inner)?;
    let (plan, mut found) = {
        let board = inner.desk.board.read();
        let is_about = |pair: &Pair| *pair.of(&board.plan).1.check.pack == *PACK;
        (Arc::clone(&board.plan), board.pairs().filter(is_about).collect::<Vec<_>>())
    };
    let Some(zoning) = plan.assets.first().map(|planned| Arc::clone(&planned.zoning)) else {
        let nothing = html! { p { "There is no asset, and so no zone to look from." } };
        return Ok(shell(&inner, "Segmentation", "/segmentation", &nothing));
    };
    found.sort_by_key(|pair| (!is_look(&plan, pair), pair.state() != "fail"));
    found.truncate(SHOWN);
    let entries = v1::entries(&inner, &plan, &found).await?;
    let looks: Vec<Pair> = found.into_iter().filter(|pair| is_look(&plan, pair)).collect();
    let named = looks.iter().map(|pair| {
        let (planned, one) = pair.of(&plan);
        (planned.member.asset.id.clone(), one.check.id.clone())
    });
    let judged = inner.desk.store.judgements(named.collect()).await.map_err(Refusal::from)?;
    let open: Vec<String> = judged.iter().filter_map(offenders).collect();
    let mut tallies: HashMap<ZoneId, Tally> = HashMap::new();
    for pair in &looks {
        let (planned, one) = pair.of(&plan);
        let zone = planned.member.asset.zone.clone();
        tallies.entry(zone).or_default().add(one.check.severity, pair.cell.as_ref());
    }
    let main = html! {
        p { "Rows look, columns are looked at. A path that no conduit declares must be closed; whether it is can only be told by a look \
            from inside the zone." }
        (matrix(&zoning, &tallies, &open))
        h2 { "What is known" }
        @if looks.is_empty() { p { "No zone has a place to look from: nothing is known about what is open between them. An asset with \
            vantage: true, or one of kind vantage, gives it one." } }
        @if !entries.is_empty() { (pairs(&entries, true, true)) }
    };
    Ok(shell(&inner, "Segmentation", "/segmentation", &main))
}

/// What a failing look names.
fn offenders(stored: &Stored) -> Option<String> {
    let judgement = &stored.result.judgement;
    (judgement.verdict == Verdict::Fail).then(|| format!("{} {}", judgement.reason, judgement.observed))
}

/// Whether a check looks from its asset into other zones; one that reads the asset's own settings shows nothing of that.
fn is_look(plan: &Plan, pair: &Pair) -> bool {
    let (planned, one) = pair.of(plan);
    let facts = planned.with_sources(&one.facts);
    facts.iter().any(|at| matches!(&*planned.facts[usize::from(*at)].question, Question::Reach(_)))
}

fn matrix(zoning: &Zoning, looks: &HashMap<ZoneId, Tally>, open: &[String]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Matrix of zones" {
            table.matrix aria-label="Zones that look, and zones that are looked at" {
                thead { tr { th scope="col" { "from \\ to" } @for zone in zoning.zones.keys() { th scope="col" { (zone) } } } }
                tbody { @for from in zoning.zones.keys() {
                    tr {
                        th scope="row" { (from) br;
                            @match looks.get(from) { Some(tally) => (state(tally.leading(), None)), None => small { "no look from here" } } }
                        @for to in zoning.zones.keys() { (cell(zoning, from, to, looks.get(from), open)) }
                    }
                } }
            }
        }
    }
}

fn cell(zoning: &Zoning, from: &ZoneId, to: &ZoneId, look: Option<&Tally>, open: &[String]) -> Markup {
    if from == to {
        return html! { td.self { "—" } };
    }
    let conduits = zoning.conduits.iter().filter(|conduit| conduit.from == *from && conduit.to == *to);
    let name = format!("{from} to {to}: ");
    let (class, word) = if open.iter().any(|text| text.contains(&name)) {
        ("fail", "open beyond that")
    } else {
        match look.map(Tally::leading) {
            Some("pass" | "warn") => ("pass", "closed where it was tried"),
            // what a look does not name may not have been tried: that is no good news
            _ => ("unknown", "not seen"),
        }
    };
    let today = Utc::now().date_naive();
    html! {
        td class=(class) {
            @for conduit in conduits {
                span title=(conduit.reason) {
                    @for port in &conduit.ports { (port) " " }
                    @if conduit.has_expired(today) { b.fail { "expired " } }
                    @if let Some(day) = conduit.expires { small { "until " (day) } }
                } br;
            }
            small { (word) }
        }
    }
}
