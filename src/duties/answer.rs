//! How duties answer: derived facts about an asset, computed from the book when somebody asks.
//!
//! What nobody signed is missing and never good news; what a register says is known, the bad too.

mod rooms;
mod supply;

use super::attestation::Statement;
use super::book::Book;
use super::deadlines::{Duty, Progress};
use super::incident::{Incident, Significance};
use super::{days_between, room};
use crate::catalog::{Derived, DutyRegister, Statements, Whose};
use crate::feeds::Lifecycle;
use crate::model::{Asset, AssetId, Cause, CheckId, Criticality, Kind, Reading, Severity, Time, Value};

/// Answers a derived question of duties; `None` for one that belongs to others.
#[must_use]
pub fn answer(question: &Derived, asset: &Asset, book: &Book, lifecycle: &Lifecycle, now: Time) -> Option<Reading> {
    Some(match question {
        Derived::Attestation(statements) => attested(statements, asset, book, now),
        Derived::Duty(register) => match register {
            DutyRegister::Waivers => waivers(book, now),
            DutyRegister::Suppliers => supply::register(asset, book, now),
            DutyRegister::Support => supply::support(asset, book, lifecycle, now),
            DutyRegister::Incidents => incidents(book, now),
            DutyRegister::Contacts => contacts(book, now),
            DutyRegister::Rooms => rooms::register(book, now),
        },
        Derived::Lifecycle(_)
        | Derived::Restart(_)
        | Derived::Health(_)
        | Derived::Register(_)
        | Derived::Presence(_)
        | Derived::Partner(_)
        | Derived::Copies(_)
        | Derived::FirstOf(_)
        | Derived::Zone(_)
        | Derived::Matrix(_)
        | Derived::Proof(_)
        | Derived::Device(_)
        | Derived::Advisories(_)
        | Derived::Firmware(_)
        | Derived::Feeds(_) => return None,
    })
}

fn missing(detail: String) -> Reading {
    Reading::missing(Cause::NoData, detail)
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(texts.into_iter().map(Value::text))
}

fn attested(statements: &Statements, asset: &Asset, book: &Book, now: Time) -> Reading {
    let check = &statements.check;
    match statements.of {
        Whose::Own => own(check, asset, book, now),
        Whose::All => all(check, book, now),
        Whose::Rooms => rooms::attested(check, book, now),
        Whose::Contract => supply::contract(asset, book, now),
    }
}

/// The names under which statements may speak of an asset.
fn names(asset: &Asset) -> Vec<AssetId> {
    let line = asset.labels.get("line").map(|line| format!("line:{line}"));
    let zone = (asset.kind != Kind::Org).then(|| format!("zone:{}", asset.zone));
    let supplier = (asset.kind == Kind::Supplier).then(|| format!("supplier:{}", asset.id));
    let org = (asset.kind == Kind::Org).then(|| super::ORG.to_owned());
    let others = [line, zone, supplier, org].into_iter().flatten().filter_map(|name| AssetId::parse(&name).ok());
    std::iter::once(asset.id.clone()).chain(others).collect()
}

fn own(check: &CheckId, asset: &Asset, book: &Book, now: Time) -> Reading {
    let Some(statement) = book.current(check, &names(asset), now) else { return unsigned(check, asset.id.as_str()) };
    let Value::Map(fields) = statement.fact(now) else { return unsigned(check, asset.id.as_str()) };
    let events = after(statement, book, now);
    Reading::Known(Value::map(fields.iter().map(|(name, value)| (name.clone(), value.clone())).chain(events)))
}

fn unsigned(check: &CheckId, subject: &str) -> Reading {
    missing(format!("nobody has signed for {subject}; nis2watch attest sign --check {check} --subject {subject}"))
}

/// By how many days what may outdate a statement came after it; below zero when the statement is newer.
fn after(statement: &Statement, book: &Book, now: Time) -> Vec<(std::sync::Arc<str>, Value)> {
    let critical = book.plant().assets.iter().filter(|asset| asset.criticality == Criticality::High);
    let installed = critical.filter_map(|asset| {
        let day: chrono::NaiveDate = asset.field("installed_on")?.as_text()?.parse().ok()?;
        Some(day.and_time(chrono::NaiveTime::MIN).and_utc())
    });
    let events = [
        ("incident_after_days", book.last_significant()),
        ("installed_after_days", installed.filter(|time| *time <= now).max()),
    ];
    let days = |(name, time): (&str, Option<Time>)| {
        Some((std::sync::Arc::from(name), Value::Float(days_between(statement.signed_at, time?))))
    };
    events.into_iter().filter_map(days).collect()
}

fn all(check: &CheckId, book: &Book, now: Time) -> Reading {
    // what is said of something that is not there says nothing about the plant
    let mut statements = book.currents(check, now);
    statements.retain(|statement| book.knows(&statement.subject));
    if statements.is_empty() {
        return unsigned(check, super::ORG);
    }
    Reading::Known(Value::map([
        ("rows", Value::list(statements.iter().map(|statement| row(statement, book, now)))),
        ("subjects", texts(statements.iter().map(|statement| statement.subject.as_str()))),
    ]))
}

/// A statement with the criticality of the asset that it is about; what is no asset counts as of high criticality.
fn row(statement: &Statement, book: &Book, now: Time) -> Value {
    let asset = book.plant().assets.iter().find(|asset| asset.id == statement.subject);
    let level = asset.map_or(Criticality::High, |asset| asset.criticality);
    let is_org = asset.is_none_or(|asset| asset.kind == Kind::Org) && statement.subject.as_str() == super::ORG;
    let level = if is_org { "org" } else { level.word() };
    let fact = statement.fact(now);
    let fields = fact.as_map().cloned().unwrap_or_default();
    Value::map(fields.into_iter().chain([("criticality".into(), Value::text(level))]))
}

fn waivers(book: &Book, now: Time) -> Reading {
    if book.papers().config.waivers.is_empty() && book.waivers().is_empty() {
        return missing(
            "no register of waivers is kept; an empty one under duties: { waivers: … } says that there are none".into(),
        );
    }
    let severity = |checks: &[CheckId]| -> Option<Severity> {
        checks.iter().filter_map(|check| book.plant().severities.get(check).copied()).max()
    };
    let rows = book.waivers().unsettled(now).map(|waiver| waiver.fact(severity(waiver.checks()), now));
    Reading::Known(Value::map([("kept", Value::Bool(true)), ("rows", Value::list(rows))]))
}

fn incidents(book: &Book, now: Time) -> Reading {
    if !book.keeps_incidents() {
        return missing(
            "no register of incidents is kept; an empty one under duties: { incidents: … } says that there were none"
                .into(),
        );
    }
    let open: Vec<&Incident> = book.incidents().iter().filter(|incident| is_open(book, incident, now)).collect();
    let reports = open.iter().flat_map(|incident| {
        book.duties(incident, now).into_iter().map(|duty| report(incident, duty, now)).collect::<Vec<_>>()
    });
    let undecided = open.iter().filter(|incident| incident.significant == Significance::Undecided).map(|incident| {
        Value::map([
            ("incident", Value::text(incident.id.as_str())),
            ("age_hours", Value::Float(days_between(incident.aware_at, now) * 24.0)),
        ])
    });
    Reading::Known(Value::map([
        ("kept", Value::Bool(true)),
        ("open", Value::Int(i64::try_from(open.len()).unwrap_or(i64::MAX))),
        ("rows", Value::list(reports)),
        ("undecided", Value::list(undecided)),
    ]))
}

/// Whether an incident still owes something, or may. A final report does not make up for one before it that was never sent.
fn is_open(book: &Book, incident: &Incident, now: Time) -> bool {
    let is_owed = |duty: &Duty| matches!(duty.progress, Progress::Due | Progress::Overdue);
    match incident.significant {
        Significance::No => false,
        Significance::Yes => {
            incident.final_report_at.is_none_or(|sent| sent > now) || book.duties(incident, now).iter().any(is_owed)
        }
        Significance::Undecided => true,
    }
}

fn report(incident: &Incident, duty: Duty, now: Time) -> Value {
    let time = |time: Option<Time>| time.map(|time| Value::text(time.to_rfc3339()));
    let is_running = matches!(duty.progress, Progress::Due | Progress::Overdue);
    let left = duty.due.filter(|_| is_running).map(|due| Value::Float(days_between(now, due) * 24.0));
    let name = format!("{} {}", incident.id, duty.stage.word());
    let fields = [
        ("name", Some(Value::from(name))),
        ("incident", Some(Value::text(incident.id.as_str()))),
        ("stage", Some(Value::text(duty.stage.word()))),
        ("state", Some(Value::text(duty.progress.word()))),
        ("due", time(duty.due)),
        ("sent", time(duty.sent)),
        ("hours_left", left),
    ];
    Value::map(fields.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

fn contacts(book: &Book, now: Time) -> Reading {
    let contacts = &book.papers().contacts;
    if contacts.is_empty() {
        return missing("nobody is on the list of contacts; give it under duties: { contacts: … }".into());
    }
    let verified = contacts.iter().map(|contact| contact.fact(now));
    Reading::Known(Value::map([
        ("rows", Value::list(verified)),
        ("roles", texts(contacts.iter().map(|contact| contact.role.as_str()))),
    ]))
}

/// Where a room stands in statements.
fn room_subject(name: &str) -> String {
    room::subject(name).map_or_else(|| name.to_owned(), |id| id.to_string())
}

#[cfg(test)]
mod tests;
