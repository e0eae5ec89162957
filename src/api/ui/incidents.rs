//! Incidents with their running clocks. Nothing here sends anything to anybody.

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};

use super::Answer;
use super::parts::{minute, moment, span};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::Query;
use crate::duties::{Book, Duty, Incident, Progress, Significance};
use crate::model::Time;

pub(super) async fn page(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let (book, now) = (inner.desk.operator.book(), Utc::now());
    let main = html! {
        p { "The clocks of Article 23. Reports are sent by people; here is noted that they were." }
        @if book.incidents().is_empty() {
            p { @if book.keeps_incidents() { "The register is kept, and there is no incident in it." } @else {
                "No register of incidents is kept, so nobody can say that there are none: duties.incidents in the configuration, or \
                nis2watch incident open." } }
        }
        @for incident in book.incidents() { (one(&book, incident, now)) }
    };
    Ok(shell(&inner, "Incidents", "/incidents", &main))
}

fn one(book: &Book, incident: &Incident, now: Time) -> Markup {
    html! {
        section.incident id=(incident.id) {
            h2 { (incident.id) ": " (incident.title) }
            p { "Known since " (moment(incident.aware_at)) " · significant: " b { (incident.significant.word()) }
                @if let Some(closed) = incident.closed_at { " · handled " (minute(closed)) }
                @for asset in &incident.affected { " · " a href={ "/assets/" (asset) } { (asset) } } }
            @match incident.significant {
                Significance::Yes => (duties(&book.duties(incident, now), now)),
                Significance::No => p { "It need not be reported." },
                Significance::Undecided => p.warn { "Nobody has decided whether it must be reported; if it must, the clock has been running for "
                    (span((now - incident.aware_at).num_seconds())) "." },
            }
        }
    }
}

fn duties(duties: &[Duty], now: Time) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Report" } th scope="col" { "State" } th scope="col" { "Due" } th scope="col" { "Clock" } } }
            tbody { @for duty in duties {
                tr {
                    th scope="row" { (duty.stage.word().replace('_', " ")) }
                    td { span class={ "state " (class(duty.progress)) } { (duty.progress.word()) } }
                    td { @if let Some(due) = duty.due { (moment(due)) } @else { "not known yet" } }
                    td { (clock(duty, now)) }
                }
            } }
        }
    }
}

const fn class(progress: Progress) -> &'static str {
    match progress {
        Progress::Met => "pass",
        Progress::Late | Progress::Due => "warn",
        Progress::Overdue => "fail",
        Progress::Open => "unknown",
    }
}

fn clock(duty: &Duty, now: Time) -> Markup {
    html! {
        @match (duty.sent, duty.due) {
            (Some(sent), _) => { "sent " (minute(sent)) },
            (None, Some(due)) if now > due => b.fail data-until=(due.timestamp()) { (span((now - due).num_seconds())) " late" },
            (None, Some(due)) => b data-until=(due.timestamp()) { (span((due - now).num_seconds())) " left" },
            (None, None) => "",
        }
    }
}
