//! One asset: who it is, how it stands, what changed, what was sent to it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};

use super::Answer;
use super::parts::{bounded, counts, minute, moment, prose, standing, what_to_do};
use super::shell::shell;
use super::strip::strip;
use crate::api::router::Shared;
use crate::api::v1::{self, Entry, Query, Refusal};
use crate::api::{Device, Tally, View};
use crate::inventory::Member;
use crate::model::Transition;
use crate::store::{Filter, Visit};

/// How far the strips look back.
const PAST: TimeDelta = TimeDelta::days(7);
/// Changes that strips are made of.
const CHANGES: usize = 1_000;

struct Known {
    member: Arc<Member>,
    tally: Tally,
    visit: Option<Visit>,
    device: Option<Device>,
}

pub(super) async fn page(State(inner): Shared, Path(id): Path<String>, query: Query) -> Answer {
    query.finish()?;
    let view = v1::view(&inner)?;
    let (known, mut pairs, plan) = {
        let board = inner.desk.board.read();
        let at = v1::find_asset(&board.plan, &id)?;
        let known = Known {
            member: Arc::clone(&board.plan.asset(at).member),
            tally: board.tally(at),
            visit: board.visits[at as usize].clone(),
            device: board.devices.get(&at).cloned(),
        };
        (known, board.pairs_of(at).collect::<Vec<_>>(), Arc::clone(&board.plan))
    };
    let order =
        |state: &str| ["fail", "unknown", "warn", "waived", "pass"].iter().position(|one| *one == state).unwrap_or(9);
    pairs.sort_by_key(|pair| (order(pair.state()), std::cmp::Reverse(pair.of(&plan).1.check.severity)));
    let entries = v1::entries(&inner, &plan, &pairs).await?;
    let now = Utc::now();
    let filter = Filter { asset: Some(known.member.asset.id.clone()), from: Some(now - PAST), ..Filter::default() };
    let records = inner.desk.store.transitions(filter, CHANGES).await.map_err(Refusal::from)?;
    let mut changes: HashMap<&str, Vec<&Transition>> = HashMap::new();
    for record in records.iter().rev() {
        changes.entry(record.transition.check.as_str()).or_default().push(&record.transition);
    }
    let main = html! {
        div.columns {
            section { (about(&known)) }
            section { h2 { "How it stands" } (counts(&known.tally)) (contact(&known)) }
        }
        h2 { "Checks" }
        table.findings.checks aria-label="Checks of this asset" {
            thead { tr {
                th scope="col" { "State" } th scope="col" { "Check" } th scope="col" { "Reason" }
                th scope="col" { "What to do" } th scope="col" { "Since" } th scope="col" { "Last 7 days" }
            } }
            tbody { @for entry in &entries {
                (row(entry, changes.get(entry.check.as_str()).map(Vec::as_slice).unwrap_or_default(), now))
            } }
        }
        (sent(&view, &known))
    };
    Ok(shell(&inner, known.member.asset.id.as_str(), "/assets", &main))
}

fn row(entry: &Entry, changes: &[&Transition], now: crate::model::Time) -> Markup {
    html! {
        tr id=(entry.check) {
            td data-label="State" { (standing(entry)) }
            td data-label="Check" { a href={ "/assets/" (entry.asset) "/" (entry.check) } { (entry.title) }
                br; small { a href={ "/checks/" (entry.check) } { (entry.check) } } }
            td data-label="Reason" { @match &entry.reason {
                Some(reason) => (bounded(reason)),
                None => "not judged yet; the next visit will tell",
            } }
            td data-label="What to do" { (prose(what_to_do(entry))) }
            td data-label="Since" { @if let Some(since) = entry.since { (moment(since)) } }
            td data-label="Last 7 days" { (strip(changes, entry.state, entry.since, now - PAST, now)) }
        }
    }
}

fn about(known: &Known) -> Markup {
    let asset = &known.member.asset;
    let device = known.device.clone().unwrap_or_default();
    let said = [device.vendor, device.model, device.version].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines = [
        ("Zone", Some(asset.zone.to_string())),
        ("Kind", Some(asset.kind.word().to_owned())),
        ("Address", asset.address.as_deref().map(str::to_owned)),
        ("It says it is", Some(said).filter(|said| !said.is_empty())),
        ("Vendor", asset.vendor.as_deref().map(str::to_owned)),
        ("Product", asset.product.as_deref().map(str::to_owned)),
        ("Owner", asset.owner.as_deref().map(str::to_owned)),
        ("Criticality", Some(asset.criticality.word().to_owned())),
        ("Support ends", asset.support_end.map(|day| day.to_string())),
        ("Not asked", known.member.inactive.clone()),
    ];
    html! {
        h2 { "Who it is" }
        dl { @for (name, value) in lines { @if let Some(value) = value { dt { (name) } dd { (value) } } } }
    }
}

fn contact(known: &Known) -> Markup {
    html! {
        @match &known.visit {
            None => p { "It was not visited yet." },
            Some(visit) => p {
                "Last visit " (minute(visit.at)) ", " (format!("{:.1}", visit.duration.as_secs_f64())) " s"
                @for (transport, reached) in &visit.reachable {
                    " · " (transport) ": " @if *reached { "answers" } @else { b.fail { "silent" } }
                }
            },
        }
        p { button type="button" data-act="/api/v1/run" data-body=(serde_json::json!({ "asset": known.member.asset.id })) { "Visit now" }
            " " small { "needs the role operator; budgets and windows of its gate hold" } }
    }
}

/// The do-no-harm ledger of the asset.
fn sent(view: &View, known: &Known) -> Markup {
    let entries: Vec<_> =
        view.books.get(&known.member.asset.id).map(|books| books.entries().collect()).unwrap_or_default();
    html! {
        h2 { "What was sent to it" }
        @if entries.is_empty() { p { "Nothing, since the daemon started." } } @else {
            table aria-label="Packets, connections and bytes, by way of asking" {
                thead { tr { th scope="col" { "Over" } th.number scope="col" { "Packets" } th.number scope="col" { "Connections" }
                    th.number scope="col" { "Refused by its gate" } th.number scope="col" { "Bytes sent" } th.number scope="col" { "Bytes back" } } }
                tbody { @for (transport, entry) in entries {
                    tr { th scope="row" { (transport) } td.number { (entry.packets) } td.number { (entry.connections) }
                        td.number { (entry.refused) } td.number { (entry.bytes_sent) } td.number { (entry.bytes_received) } }
                } }
            }
        }
        p { a href={ "/api/v1/plan?asset=" (known.member.asset.id) } { "What would be sent, and when (JSON)" } }
    }
}
