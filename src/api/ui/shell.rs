//! What every page has: its head, the way to the others, how the site stands.

use axum::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use chrono::Utc;

use super::parts::{minute, second};
use crate::api::router::Inner;
use crate::api::v1::Refusal;
use crate::model::{Cause, Verdict};

/// The pages, in the order of the bar.
const PAGES: [(&str, &str); 12] = [
    ("/", "Overview"),
    ("/assets", "Assets"),
    ("/checks", "Checks"),
    ("/controls", "Controls"),
    ("/baselines", "Baselines"),
    ("/segmentation", "Segmentation"),
    ("/waivers", "Waivers"),
    ("/attestations", "Statements"),
    ("/feeds", "Feeds"),
    ("/calendar", "Calendar"),
    ("/incidents", "Incidents"),
    ("/ledger", "Ledger"),
];

/// A page. `title` names what it shows, `at` is the entry of the bar that it belongs to.
pub(super) fn shell(inner: &Inner, title: &str, at: &str, main: &Markup) -> Markup {
    let view = inner.desk.operator.view();
    let site = view.as_ref().and_then(|view| view.site.as_deref()).unwrap_or("this site").to_owned();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (site) " · nis2watch" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="data:,";
                noscript { meta http-equiv="refresh" content="30"; }
                script src="/live.js" defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                div #silent role="alert" {}
                header {
                    div.brand { a href="/" { "nis2watch" } span { (site) } }
                    (ways(at))
                }
                (as_of())
                (line(inner))
                main id="main" data-live="main" { h1 { (title) } (main) }
                p #said role="status" aria-live="polite" {}
                footer data-live="foot" {
                    @if let Some(view) = &view {
                        "Configuration of " (minute(view.loaded_at)) " · "
                    }
                    "version " (env!("CARGO_PKG_VERSION")) " · "
                    a href="/api/v1/openapi.json" { "API" } " · " a href="/metrics" { "Metrics" } " · "
                    a href="/runbooks" { "Runbooks" } " · "
                    a href="/-/healthy" { "Health" }
                }
            }
        }
    }
}

/// The way to the other pages.
fn ways(at: &str) -> Markup {
    html! {
        nav aria-label="Pages" {
            @for (path, name) in PAGES { a href=(path) aria-current=[(path == at).then_some("page")] { (name) } }
        }
    }
}

/// The daemon's time of what is shown: a page that stays open must not pass for news. The script moves it on with the content.
fn as_of() -> Markup {
    let now = Utc::now();
    html! {
        div.asof {
            p data-live="asof" { "As of " time datetime=(now.to_rfc3339()) { (second(now)) } }
            p #held role="status" {}
        }
    }
}

/// One line that says how the site stands, on every page.
fn line(inner: &Inner) -> Markup {
    let board = inner.desk.board.read();
    let (fails, unknowns) = (board.total.of(Verdict::Fail), board.total.of(Verdict::Unknown(Cause::NoData)));
    let worst = board.total.worst(Verdict::Fail);
    let stopped = !inner.desk.operator.traffic_allowed();
    html! {
        div.line data-live="line" {
            @if stopped {
                p.stopped role="alert" {
                    "Traffic is stopped: no asset is asked anything, and every verdict grows stale. "
                    button type="button" data-act="/api/v1/gate/resume" { "Resume traffic" }
                }
            }
            p {
                @if fails > 0 {
                    a href="/results?state=fail&sort=-severity" { b.fail { (fails) " fail" } }
                    @if let Some(worst) = worst { ", the worst " (worst) }
                } @else if unknowns > 0 {
                    // what nobody knows may fail: no colour of good news
                    b { "No check fails as far as is known" }
                } @else { b.pass { "No check fails" } }
                " · " a href="/results?state=unknown&sort=-severity" { (unknowns) " unknown" }
                " · " (board.plan.assets.len()) " assets"
            }
        }
    }
}

/// Why there is no page; [`super::dress`] makes one of it.
pub(in crate::api) struct Sorry(pub(in crate::api) Refusal);

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        (self.0.status(), Extension(self.0.clone()), self.0.message()).into_response()
    }
}

/// The page that says why there is none.
pub(super) fn sorry(inner: &Inner, refusal: &Refusal) -> Markup {
    let title = match refusal.status() {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::METHOD_NOT_ALLOWED => "Not done here",
        _ => "No answer",
    };
    shell(inner, title, "", &html! { p { (refusal.message()) } p { a href="/" { "To the overview" } } })
}
