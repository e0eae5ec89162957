//! What people signed, what waits for a signature, and signing.

use axum::extract::State;
use chrono::Utc;
use maud::{Markup, html};
use serde_json::json;

use super::Answer;
use super::forms::{behind, days, files, one_of, pairs, reason, send, text};
use super::parts::{bounded, choice, minute, moment, pager, prose};
use super::shell::shell;
use crate::api::router::Shared;
use crate::api::v1::{self, Query};
use crate::catalog::Check;
use crate::duties::{ORG, Standing, Statement};
use crate::model::Time;

/// What a person may say.
const RESULTS: [&str; 2] = ["confirmed", "rejected"];

pub(super) async fn page(State(inner): Shared, mut query: Query) -> Answer {
    let said = query.without("offset");
    let (wanted, page) = (query.words("state", &Standing::WORDS)?, query.page()?);
    query.finish()?;
    let (view, book, now) = (v1::view(&inner)?, inner.desk.operator.book(), Utc::now());
    let current = book.all_current(now);
    let attested = view.catalog.checks.values().filter(|check| view.catalog.is_attested(check));
    let unsigned: Vec<_> = attested.filter(|check| !current.iter().any(|one| one.check == check.id)).collect();
    let is_meant = |one: &&&Statement| wanted.is_empty() || wanted.contains(&one.standing(now).word());
    let mut found: Vec<&Statement> = current.iter().filter(is_meant).copied().collect();
    found.sort_by_key(|one| one.valid_until());
    let chosen = wanted.first().copied().filter(|_| wanted.len() == 1);
    let main = html! {
        p { "What cannot be measured is signed: it holds until its day, and a signed no is a fail. Signing needs the role approver, stands in the \
            ledger and shows within a minute. Of files only the digest is sent." }
        form.filter method="get" role="search" { (choice("State", "state", chosen, Standing::WORDS)) button { "Show" } }
        p { (found.len()) (if found.len() == 1 { " statement" } else { " statements" }) }
        @if !found.is_empty() {
            table.findings aria-label="Signed statements" {
                thead { tr {
                    th scope="col" { "State" } th scope="col" { "Check" } th scope="col" { "Statement" } th scope="col" { "Signed, until" }
                    th scope="col" { "Decide" }
                } }
                tbody { @for one in page.of(&found) { (row(one, view.catalog.checks.get(&one.check).map(|check| &*check.title), now)) } }
            }
        }
        (pager("/attestations", &said, page.offset, page.limit, found.len()))
        @if !unsigned.is_empty() {
            h2 { "Nobody has signed" }
            table.findings aria-label="Checks that nobody has signed for" {
                thead { tr { th scope="col" { "Check" } th scope="col" { "What is to be done" } th scope="col" { "Decide" } } }
                tbody { @for check in unsigned { (missing(check)) } }
            }
        }
    };
    Ok(shell(&inner, "Statements", "/attestations", &main))
}

fn missing(check: &Check) -> Markup {
    html! {
        tr {
            td data-label="Check" { a href={ "/checks/" (check.id) } { (check.title) } br; small { (check.id) } }
            td data-label="What is to be done" { (prose(&check.fix)) }
            td data-label="Decide" { (behind("Sign", &signing(check.id.as_str(), None))) }
        }
    }
}

fn row(one: &Statement, title: Option<&str>, now: Time) -> Markup {
    let standing = one.standing(now);
    let class = match standing {
        Standing::Valid => "pass",
        Standing::Expired | Standing::Rejected => "fail",
        Standing::Ahead => "unknown",
    };
    html! {
        tr id=(one.id) {
            td data-label="State" { span class={ "state " (class) } { (standing.word()) } }
            td data-label="Check" { a href={ "/checks/" (one.check) } { (title.unwrap_or(one.check.as_str())) } br; small { (one.check) " about " (one.subject) } }
            td data-label="Statement" { (bounded(&one.statement))
                @for file in &one.evidence { br; small title=(file.sha256) { (bounded(&file.name)) } } }
            td data-label="Signed, until" { (minute(one.signed_at)) br; (moment(one.valid_until())) br;
                small { (one.signed_by.person) ", " (one.signed_by.role) } }
            td data-label="Decide" { (behind("Renew", &renewing(one))) (behind("Sign another", &signing(one.check.as_str(), Some(one.subject.as_str())))) }
        }
    }
}

fn signing(check: &str, subject: Option<&str>) -> Markup {
    let fixed = json!({ "check": check, "subject": subject.unwrap_or(ORG) });
    html! {
        @if subject.is_none() { (text("About (org where nothing is said), such as room:NAME", "subject", false)) }
        (text("Statement", "statement", true))
        (one_of("It is", "result", RESULTS))
        (days("Days that it holds", "valid_days"))
        (text("Who sees to the renewal", "owner", false))
        (files("Evidence", "evidence", false))
        (pairs("Fields that the check reads, name=value, one a line", "fields"))
        (send("Sign", "/attestations", Some(&fixed)))
    }
}

fn renewing(one: &Statement) -> Markup {
    html! {
        (one_of("It is", "result", RESULTS))
        (days("Days that it holds; as long as before when left empty", "valid_days"))
        (files("Evidence", "evidence", !one.evidence.is_empty()))
        (pairs("Fields that are other than before, name=value, one a line", "fields"))
        (reason())
        (send("Sign anew", &format!("/attestations/{}/renew", one.id), None))
    }
}
