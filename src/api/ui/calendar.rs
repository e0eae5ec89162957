//! What ends when: certificates, waivers, statements, baselines, reports that are due, support of devices, conduits, feeds.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use chrono::{NaiveTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::Answer;
use super::parts::{choice, minute, span};
use super::shell::shell;
use crate::api::router::{Inner, Shared};
use crate::api::v1::{self, Query, Refusal};
use crate::catalog::Lists;
use crate::feeds::{Kind, Shelf};
use crate::model::{AssetId, Listed, Time};
use crate::store::{Baseline, BaselineFilter, Stored};

/// What ended longer ago is left to the registers.
const PAST: TimeDelta = TimeDelta::days(90);
/// Ends that are shown.
const SHOWN: usize = 500;
/// What ends within this needs somebody soon.
const SOON: TimeDelta = TimeDelta::days(30);

/// What can end, as a word in filters.
const KINDS: [&str; 8] =
    ["certificate", "waiver", "signed_statement", "approved_baseline", "incident_report", "support", "conduit", "feed"];

struct End {
    at: Time,
    what: &'static str,
    name: String,
    who: String,
    link: String,
}

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let wanted = query.words("what", &KINDS)?;
    query.finish()?;
    v1::view(&inner)?;
    let now = Utc::now();
    let mut ends = ends(&inner, now).await?;
    ends.retain(|end| end.at > now - PAST && (wanted.is_empty() || wanted.contains(&end.what)));
    ends.sort_by_key(|end| end.at);
    let more = ends.len().saturating_sub(SHOWN);
    ends.truncate(SHOWN);
    let main = html! {
        form.filter method="get" role="search" {
            (choice("What", "what", wanted.first().copied().filter(|_| wanted.len() == 1), KINDS))
            button { "Show" }
        }
        @if ends.is_empty() { p { "Nothing that is known here ends." } } @else {
            table.findings aria-label="What ends, the next first" {
                thead { tr { th scope="col" { "When" } th scope="col" { "In" } th scope="col" { "What" } th scope="col" { "Name" }
                    th scope="col" { "Who sees to it" } } }
                tbody { @for end in &ends { (row(end, now)) } }
            }
            @if more > 0 { p { "and " (more) " later ones" } }
        }
        p { "Certificates are those that the last visits saw on the ports they look at; what nobody looks at ends unseen." }
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
            td data-label="When" { time datetime=(end.at.to_rfc3339()) { (minute(end.at)) } }
            td class=(class) data-label="In" { @if left < TimeDelta::zero() { (if end.what == "incident_report" { "was due " } else { "ended " }) (span(left.num_seconds())) " ago" } @else { (span(left.num_seconds())) } }
            td data-label="What" { (end.what.replace('_', " ")) }
            th scope="row" { a href=(end.link) { (end.name) } }
            td data-label="Who sees to it" { (end.who) }
        }
    }
}

async fn ends(inner: &Inner, now: Time) -> Result<Vec<End>, Refusal> {
    let mut all = certificates(inner).await?;
    all.extend(baselines(inner).await?);
    all.extend(feeds(&inner.desk.operator.carried()));
    all.extend(papers(inner, now));
    all.extend(plant(inner));
    Ok(all)
}

/// Certificates as the last judgements saw them; one that several checks saw is told once.
async fn certificates(inner: &Inner) -> Result<Vec<End>, Refusal> {
    let stored = v1::judged(inner, |lists| matches!(lists, Lists::Certificates(_))).await?;
    let owners: HashMap<AssetId, String> = {
        let board = inner.desk.board.read();
        let assets = board.plan.assets.iter().map(|planned| &planned.member.asset);
        assets.filter_map(|asset| Some((asset.id.clone(), asset.owner.as_deref()?.to_owned()))).collect()
    };
    let mut all: BTreeMap<(AssetId, Option<u16>, String, Time), End> = BTreeMap::new();
    for Stored { result, .. } in stored {
        let Some(Listed::Certificates { rows, .. }) = result.evidence.listed else { continue };
        for one in rows {
            let place = one.port.map_or_else(|| result.asset.to_string(), |port| format!("{}:{port}", result.asset));
            let end = End {
                at: one.ends,
                what: "certificate",
                name: format!("{place} {}", one.subject),
                who: owners.get(&result.asset).cloned().unwrap_or_default(),
                link: format!("/assets/{}/{}", result.asset, result.check),
            };
            all.insert((result.asset.clone(), one.port, one.subject, one.ends), end);
        }
    }
    Ok(all.into_values().collect())
}

async fn baselines(inner: &Inner) -> Result<Vec<End>, Refusal> {
    let known = inner.desk.store.baselines(BaselineFilter::default()).await?;
    let end = |one: Baseline| {
        let approval = one.approval?;
        Some(End {
            at: approval.until?,
            what: "approved_baseline",
            name: format!("{} of {}", one.check, one.asset),
            who: approval.actor,
            link: format!("/baselines?asset={}&check={}", one.asset, one.check),
        })
    };
    Ok(known.into_iter().filter_map(end).collect())
}

/// When checks may no longer rest on what was carried in.
fn feeds(carried: &Shelf) -> Vec<End> {
    let end = |kind: Kind| {
        let limit = TimeDelta::from_std(carried.limit(kind)).ok()?;
        let at = carried.date(kind)?.checked_add_signed(limit)?;
        Some(End {
            at,
            what: "feed",
            name: kind.title().to_owned(),
            who: String::new(),
            link: format!("/feeds#{}", kind.word()),
        })
    };
    Kind::ALL.into_iter().filter_map(end).collect()
}

fn papers(inner: &Inner, now: Time) -> Vec<End> {
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
        all.push(End { at, what: "signed_statement", name, who, link: format!("/attestations#{}", statement.id) });
    }
    for (incident, duty) in book.open_deadlines(now) {
        let Some(at) = duty.due else { continue };
        let name = format!("{} of {}", duty.stage.word().replace('_', " "), incident.id);
        all.push(End {
            at,
            what: "incident_report",
            name,
            who: String::new(),
            link: format!("/incidents#{}", incident.id),
        });
    }
    all
}

/// What the inventory says: support and declared paths.
fn plant(inner: &Inner) -> Vec<End> {
    let mut all = Vec::new();
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
