//! What people accepted, signed and owe.

use maud::{Markup, html};

use super::{SHOWN, more, number, table};
use crate::output::report::{IncidentRow, Report, plural, shown};

pub(super) fn accepted(report: &Report) -> Markup {
    let waivers = &report.papers.waivers;
    let rows = html! {
        @for waiver in waivers.iter().take(SHOWN) {
            tr {
                th scope="row" { (waiver.id) small { @for (at, check) in waiver.checks.iter().enumerate() { @if at > 0 { ", " } (check) } } }
                td class=(if waiver.state == "running" { "" } else { "fail" }) { (waiver.state) }
                (number(waiver.accepts, "waived")) (number(waiver.suspended, "fail"))
                td.when { (shown(waiver.expires_at)) small { (days(waiver.days_left)) } }
                td { (waiver.approved_by.person) small { (waiver.approved_by.role) } }
                td.found {
                    (waiver.reason)
                    @if let Some(measure) = &waiver.measure { small { "Instead: " (measure) } }
                    @if let Some(owner) = &waiver.owner { small { "Owner: " (owner) } }
                }
            }
        }
    };
    html! {
        @if waivers.is_empty() { p { "No fail is accepted." } }
        @else {
            p { "Fails that somebody accepted, for a reason and until a moment. The finding stays, and comes back when the waiver ends or what makes up for it does not hold." }
            (table("waivers", &["Waiver", "State", "#Accepts", "#Suspended", "Until", "Approved by", "Why"], &rows))
            (more(waivers.len().saturating_sub(SHOWN), "JSON"))
        }
    }
}

pub(super) fn attested(report: &Report) -> Markup {
    let papers = &report.papers;
    let rows = html! {
        @for one in papers.attestations.iter().take(SHOWN) {
            tr {
                th scope="row" { (one.check) small { (one.subject) ", " (one.id) } }
                td class=(if one.state == "valid" { "" } else { "fail" }) { (one.state) }
                td.found { (one.statement) @for file in &one.evidence { small title=(file.sha256) { (file.name) " " (file.sha256.chars().take(12).collect::<String>()) "…" } } }
                td { (one.signed_by.person) small { (one.signed_by.role) } }
                td.when { (shown(one.signed_at)) }
                td.when { (shown(one.valid_until)) small { (days(one.days_left)) } }
            }
        }
    };
    html! {
        @if papers.attestations.is_empty() { p { "Nobody has signed anything." } }
        @else {
            (table("statements", &["Requirement", "State", "Statement", "Signed by", "Signed", "Holds until"], &rows))
            (more(papers.attestations.len().saturating_sub(SHOWN), "JSON"))
        }
        @if !papers.unsigned.is_empty() {
            p {
                b { (papers.unsigned.len()) " requirements that nobody has signed: " }
                @for (at, check) in papers.unsigned.iter().take(SHOWN).enumerate() { @if at > 0 { ", " } (check) }
                "."
            }
            (more(papers.unsigned.len().saturating_sub(SHOWN), "JSON"))
        }
    }
}

pub(super) fn incidents(report: &Report) -> Markup {
    let papers = &report.papers;
    html! {
        @if !papers.incidents_kept { p { "No register of incidents is kept, so nobody can say that there were none." } }
        @else if papers.incidents.is_empty() { p { "The register of incidents is kept, and is empty." } }
        @for incident in papers.incidents.iter().take(SHOWN) { (one(incident)) }
        (more(papers.incidents.len().saturating_sub(SHOWN), "JSON"))
        p.law { "Deadlines of Article 23. nis2watch keeps the clock and sends nothing to anybody." }
    }
}

fn one(incident: &IncidentRow) -> Markup {
    let rows = html! {
        @for deadline in &incident.deadlines {
            tr {
                th scope="row" { (deadline.stage.replace('_', " ")) }
                td class=(if matches!(deadline.state, "overdue" | "late") { "fail" } else { "" }) { (deadline.state) }
                td.when { @if let Some(due) = deadline.due { (shown(due)) } @else { "no time set" } }
                td.when { @if let Some(sent) = deadline.sent { (shown(sent)) } @else { "not sent" } }
            }
        }
    };
    html! {
        article.finding {
            h3 { (incident.title) " " small { (incident.id) } }
            p {
                "Aware since " (shown(incident.aware_at)) ", significant: " (incident.significant.word()) ", "
                @if let Some(closed) = incident.closed_at { "handled " (shown(closed)) } @else { "going on" } "."
            }
            @if !incident.deadlines.is_empty() { (table("", &["Report", "State", "Due", "Sent"], &rows)) }
            @for cleared in &incident.cleared { p.fail { (cleared.words()) } }
        }
    }
}

/// Whole days, begun ones counted where they are over.
fn days(left: i64) -> String {
    let days = plural(usize::try_from(left.unsigned_abs()).unwrap_or(usize::MAX), "day");
    if left < 0 { format!("{days} ago") } else { format!("{days} left") }
}
