//! Incidents with their running clocks. Nothing here sends anything to anybody.

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};

use super::Answer;
use super::forms::{behind, one_of, reason, send, text, tick, time, words};
use super::parts::{minute, moment, span};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::Query;
use crate::duties::{Book, Duty, Incident, Progress, Significance, Stage};
use crate::model::Time;

/// Undecided first: a decision is an approver's.
const DECISIONS: [&str; 3] = ["undecided", "yes", "no"];

pub(super) async fn page(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let (book, now) = (inner.desk.operator.book(), Utc::now());
    let main = html! {
        p { "The clocks of Article 23. Reports are sent by people; here is noted that they were. Opening an incident needs the role operator, \
            everything else the role approver; each stands in the ledger with its reason and shows here within a minute." }
        @if book.incidents().is_empty() {
            p { @if book.keeps_incidents() { "The register is kept, and there is no incident in it." } @else {
                "No register of incidents is kept, so nobody can say that there are none: duties.incidents in the configuration, or \
                nis2watch incident open." } }
        }
        (behind("Open an incident", &opening()))
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
            @for cleared in &incident.cleared { p.warn { (cleared.words()) } }
            (acts(incident))
        }
    }
}

fn opening() -> Markup {
    html! {
        (text("Id, such as inc-2026-003", "id", true))
        (text("What happened, in one line", "title", true))
        (time("Known since, by your clock; now when left empty", "aware_at", false))
        (one_of("Must it be reported", "significant", DECISIONS))
        (words("Assets it concerns", "affected", false, ""))
        (tick("Unlawful or malicious acts are suspected", "suspected_malicious"))
        (tick("It could have an impact across borders", "cross_border"))
        (reason())
        (send("Open the incident", "/incidents", None))
    }
}

fn acts(incident: &Incident) -> Markup {
    let path = |act: &str| format!("/incidents/{}/{act}", incident.id);
    let deciding = html! {
        (one_of("Must it be reported", "significant", ["yes", "no", "undecided"]))
        (time("Known to be significant since, by your clock; since it is known when left empty", "since", false))
        (reason())
        (send("Decide", &path("classify"), None))
    };
    let reporting = html! {
        (one_of("Report", "stage", Stage::ALL.map(Stage::word)))
        (time("Went out at, by your clock; now when left empty", "at", false))
        (text("What the authority answered", "receipt", false))
        (tick("It did not go out: the authority asked for an intermediate report", "requested"))
        (tick("This corrects a time that was noted before", "correct"))
        (reason())
        (send("Note the report", &path("reports"), None))
    };
    let closing = html! {
        (time("Handled at, by your clock; now when left empty", "at", false))
        @if incident.closed_at.is_some() { (tick("This corrects an end that was noted before", "correct")) }
        (reason())
        (send("Note the end", &path("close"), None))
    };
    html! {
        (behind("Decide whether it must be reported", &deciding))
        (behind("Note that a report went out", &reporting))
        (behind("Note the end of the handling", &closing))
    }
}

fn duties(duties: &[Duty], now: Time) -> Markup {
    html! {
        table.findings aria-label="Reports that are due" {
            thead { tr { th scope="col" { "Report" } th scope="col" { "State" } th scope="col" { "Due" } th scope="col" { "Clock" } } }
            tbody { @for duty in duties {
                tr {
                    th scope="row" { (duty.stage.word().replace('_', " ")) }
                    td data-label="State" { span class={ "state " (class(duty.progress)) } { (duty.progress.word()) } }
                    td data-label="Due" {
                        @if let Some(due) = duty.due { (moment(due)) } @else { "not known yet" }
                        @if duty.is_latest { " " small { "at the latest; counts from the notification" } }
                    }
                    td data-label="Clock" { (clock(duty, now)) }
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
