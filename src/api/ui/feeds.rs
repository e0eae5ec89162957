//! What was carried in from outside, how far checks may rest on it, and what it says of the plant.

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};

use super::Answer;
use super::parts::{choice, moment, pager, span};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{self, Query, SHORT, WantedAdvisories};
use crate::feeds::{Kind, Shelf, State as Standing};
use crate::model::Time;
use crate::output::{Exposure, Exposures};

/// Refused files that are shown; `nis2watch feeds verify` has all of them.
const REFUSED: usize = 20;
/// Characters of a digest that are shown; the rest stands behind them.
const DIGEST: usize = 16;

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let text = query.without("offset");
    let (wanted, page) = (WantedAdvisories::take(&mut query)?, query.page_of(SHORT)?);
    query.finish()?;
    wanted.check(&inner)?;
    let (carried, now) = (inner.desk.operator.carried(), Utc::now());
    let known = v1::exposures(&inner).await?;
    let found: Vec<&Exposure> = known.rows.iter().filter(|one| wanted.is_meant(one)).collect();
    let zones: Vec<String> = inner.desk.board.read().zones.keys().map(ToString::to_string).collect();
    let main = html! {
        p { "Nothing is downloaded: somebody carries these files in, and " code { "nis2watch feeds import" } " verifies them. What rests on a \
            feed that is stale, broken or absent is unknown." }
        (feeds(&carried, now))
        (refused(&carried))
        h2 { "What they say of this plant" }
        (candour(&known))
        form.filter method="get" role="search" {
            (choice("Severity", "severity", wanted.severities.first().copied(), ["critical", "high", "medium"]))
            (yes_or_no("Exploited", "exploited", wanted.exploited))
            (yes_or_no("Certain", "certain", wanted.certain))
            (choice("Zone", "zone", wanted.zone.as_deref(), zones.iter().map(String::as_str)))
            label { "Vulnerability " input name="id" value=[wanted.id.as_deref()] maxlength="64"; }
            @if let Some(asset) = &wanted.asset { input type="hidden" name="asset" value=(asset); }
            button { "Show" }
        }
        p { (found.len()) (if found.len() == 1 { " match" } else { " matches" }) }
        @if !found.is_empty() { (matches(page.of(&found))) }
        (pager("/feeds", &text, page.offset, page.limit, found.len()))
    };
    Ok(shell(&inner, "Feeds", "/feeds", &main))
}

fn feeds(carried: &Shelf, now: Time) -> Markup {
    html! {
        table.findings aria-label="Feeds" {
            thead { tr { th scope="col" { "State" } th scope="col" { "Feed" } th scope="col" { "Date" } th scope="col" { "Age" }
                th scope="col" { "At most" } th.number scope="col" { "Entries" } th scope="col" { "Read from" } } }
            tbody { @for kind in Kind::ALL { (feed(carried, kind, now)) } }
        }
    }
}

fn feed(carried: &Shelf, kind: Kind, now: Time) -> Markup {
    let (state, date) = (carried.state(kind, now), carried.date(kind));
    let class = match state {
        Standing::Current => "pass",
        Standing::Stale | Standing::Broken => "fail",
        Standing::Absent => "unknown",
    };
    let files = carried.sources(kind).count();
    html! {
        tr id=(kind.word()) {
            td data-label="State" { span class={ "state " (class) } { (state.word()) }
                @if let Some(trouble) = carried.trouble(kind, now) { br; small { (trouble) } } }
            th scope="row" { (kind.title()) br; small { (kind.word()) } }
            td data-label="Date" { @match date { Some(date) => (moment(date)), None => "none" } }
            td data-label="Age" { @if let Some(date) = date { (span((now - date).num_seconds())) } }
            td data-label="At most" { (span(i64::try_from(carried.limit(kind).as_secs()).unwrap_or(i64::MAX))) }
            td.number data-label="Entries" { (carried.entries(kind)) }
            td data-label="Read from" {
                @match (files, carried.sources(kind).next()) {
                    (1, Some(source)) => (source.name),
                    (0, _) => "",
                    (many, _) => { (many) " files" },
                }
                @if let Some(digest) = carried.digest(kind) { br; small.digest title=(digest) { "SHA-256 " (digest[..DIGEST]) "…" } }
            }
        }
    }
}

fn refused(carried: &Shelf) -> Markup {
    let more = carried.refused.len().saturating_sub(REFUSED);
    html! {
        @if !carried.refused.is_empty() {
            h2 { "Files that were refused" }
            table.findings aria-label="Files that were refused" {
                thead { tr { th scope="col" { "File" } th scope="col" { "Feed" } th scope="col" { "Why" } } }
                tbody { @for one in carried.refused.iter().take(REFUSED) {
                    tr {
                        th scope="row" { (one.file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default()) }
                        td data-label="Feed" { (one.kind.map_or("any", Kind::word)) }
                        td data-label="Why" { (super::parts::bounded(&one.why)) }
                    }
                } }
            }
            @if more > 0 { p { "and " (more) " more: " code { "nis2watch feeds verify" } " lists all" } }
        }
    }
}

/// How much of the plant this list can speak for.
fn candour(known: &Exposures) -> Markup {
    html! {
        p {
            @if known.assets == 0 { "No asset has been looked through for advisories yet, so an empty list here is no good news." }
            @else {
                (known.assets) (if known.assets == 1 { " asset was" } else { " assets were" }) " looked through; of "
                (known.unknown) " of them it "
                a href="/results?state=unknown&check=vendor-advisory-match" { "cannot be said" } " whether something is open: no advisory speaks \
                of the maker, the version is not known, or a feed is not current."
            }
            @if known.left_out > 0 { " " (known.left_out) " more stand in the facts of assets that have too many to list." }
        }
    }
}

fn matches(found: &[&Exposure]) -> Markup {
    html! {
        table.findings aria-label="Vulnerabilities of this plant" {
            thead { tr { th scope="col" { "Vulnerability" } th scope="col" { "Asset" } th scope="col" { "Product" } th scope="col" { "Advisory" }
                th scope="col" { "Recognised by" } th scope="col" { "To be mended by" } th scope="col" { "Verdict" } } }
            tbody { @for one in found { (row(one)) } }
        }
    }
}

fn row(one: &Exposure) -> Markup {
    let what = &one.what;
    html! {
        tr {
            th scope="row" { (what.id) br; small { (what.severity)
                @if what.ransomware { ", used for extortion" } @else if what.exploited { ", exploited" } } }
            td data-label="Asset" { a href={ "/assets/" (one.asset) } { (one.asset) } br; small { (one.zone) } }
            td data-label="Product" { (one.product) }
            td data-label="Advisory" { (what.advisory) }
            td data-label="Recognised by" { (what.confidence) @if !what.certain { br; small { "undecided" } } }
            td data-label="To be mended by" { @if let Some(due) = &what.due { (due) } }
            td data-label="Verdict" { a href={ "/assets/" (one.asset) "/" (one.check) } { (super::parts::state(one.state, None)) } br; small { @if let Some(at) = one.at { (moment(at)) } } }
        }
    }
}

fn yes_or_no(label: &str, name: &str, chosen: Option<bool>) -> Markup {
    html! {
        label { (label) " "
            select name=(name) {
                option value="" { "all" }
                option value="true" selected[chosen == Some(true)] { "yes" }
                option value="false" selected[chosen == Some(false)] { "no" }
            }
        }
    }
}
