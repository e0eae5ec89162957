//! What ends when: waivers, statements, reports that are due, support of devices, conduits.

use axum::extract::State;
use chrono::{NaiveTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::Answer;
use super::parts::{minute, span};
use super::shell::shell;
use crate::api::router::{Inner, Shared};
use crate::api::v1::{self, Query};
use crate::model::Time;

/// What ended longer ago is left to the registers.
const PAST: TimeDelta = TimeDelta::days(90);
/// Ends that are shown.
const SHOWN: usize = 500;
/// What ends within this needs somebody soon.
const SOON: TimeDelta = TimeDelta::days(30);

struct End {
    at: Time,
    what: &'static str,
    name: String,
    who: String,
    link: String,
}

pub(super) async fn page(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    v1::view(&inner)?;
    let now = Utc::now();
    let mut ends = ends(&inner, now);
    ends.retain(|end| end.at > now - PAST);
    ends.sort_by_key(|end| end.at);
    let more = ends.len().saturating_sub(SHOWN);
    ends.truncate(SHOWN);
    let main = html! {
        @if ends.is_empty() { p { "Nothing that is known here ends." } } @else {
            table {
                thead { tr { th scope="col" { "When" } th scope="col" { "In" } th scope="col" { "What" } th scope="col" { "Name" }
                    th scope="col" { "Who sees to it" } } }
                tbody { @for end in &ends { (row(end, now)) } }
            }
            @if more > 0 { p { "and " (more) " later ones" } }
        }
        p { "Certificates are judged by the checks of " a href="/checks" { "TLS" } "; each says on its asset when it ends." }
    };
    Ok(shell(&inner, "Calendar", "/calendar", &main))
}

fn row(end: &End, now: Time) -> Markup {
    let left = end.at - now;
    let class = if left < TimeDelta::zero() {
        "fail"
    } else if left < SOON {
        "warn"
    } else {
        ""
    };
    html! {
        tr {
            td { time datetime=(end.at.to_rfc3339()) { (minute(end.at)) } }
            td class=(class) { @if left < TimeDelta::zero() { "ended " (span(left.num_seconds())) " ago" } @else { (span(left.num_seconds())) } }
            td { (end.what) }
            th scope="row" { a href=(end.link) { (end.name) } }
            td { (end.who) }
        }
    }
}

fn ends(inner: &Inner, now: Time) -> Vec<End> {
    let book = inner.desk.operator.book();
    let mut all = Vec::new();
    for waiver in book.waivers().iter() {
        let link = format!("/waivers#{}", waiver.id);
        let who = waiver.owner.as_deref().unwrap_or(&waiver.approved_by.person).to_owned();
        all.push(End { at: waiver.expires_at, what: "waiver", name: waiver.id.to_string(), who, link });
    }
    for statement in book.all_current(now) {
        let name = format!("{} about {}", statement.check, statement.subject);
        let (at, who) = (statement.valid_until(), statement.owner().to_owned());
        all.push(End { at, what: "signed statement", name, who, link: format!("/attestations#{}", statement.id) });
    }
    for (incident, duty) in book.open_deadlines(now) {
        let Some(at) = duty.due else { continue };
        let name = format!("{} of {}", duty.stage.word().replace('_', " "), incident.id);
        all.push(End { at, what: "report of an incident", name, who: String::new(), link: "/incidents".into() });
    }
    let board = inner.desk.board.read();
    let end_of = |day: chrono::NaiveDate| day.succ_opt().map(|next| next.and_time(NaiveTime::MIN).and_utc());
    for planned in &board.plan.assets {
        let asset = &planned.member.asset;
        if let Some(at) = asset.support_end.and_then(end_of) {
            let (name, link) = (asset.id.to_string(), format!("/assets/{}", asset.id));
            all.push(End {
                at,
                what: "support",
                name,
                who: asset.owner.as_deref().unwrap_or_default().to_owned(),
                link,
            });
        }
    }
    for conduit in board.plan.assets.first().into_iter().flat_map(|planned| &planned.zoning.conduits) {
        if let Some(at) = conduit.expires.and_then(end_of) {
            let name = format!("{} to {}", conduit.from, conduit.to);
            all.push(End { at, what: "conduit", name, who: String::new(), link: "/segmentation".into() });
        }
    }
    all
}
