//! Incidents with their clocks, and what people do about them. Nothing is ever sent to an authority.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Approved, approved, book, given, write};
use super::body::body;
use super::{Answer, Query};
use crate::api::Role;
use crate::api::admit::Actor;
use crate::api::router::Shared;
use crate::duties::{self, Book, Deed, Duty, Incident, Opening, Reporting, Significance, Stage};
use crate::model::Time;

pub(super) async fn list(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let (book, now) = (inner.desk.operator.book(), Utc::now());
    let shown: Vec<_> = book.incidents().iter().map(|incident| entry(&book, incident, now)).collect();
    Ok(Json(json!({ "incidents": shown, "register_kept": book.keeps_incidents() })))
}

fn entry(book: &Book, incident: &Incident, now: Time) -> Value {
    let duty = |duty: &Duty| {
        json!({
            "stage": duty.stage.word(), "state": duty.progress.word(), "due": duty.due, "sent": duty.sent,
            "seconds_left": duty.due.filter(|_| duty.sent.is_none()).map(|due| (due - now).num_seconds()),
        })
    };
    json!({
        "id": incident.id, "title": incident.title, "aware_at": incident.aware_at,
        "significant": incident.significant.word(), "closed_at": incident.closed_at, "receipts": incident.receipts, "cleared": incident.cleared,
        "affected": incident.affected, "duties": book.duties(incident, now).iter().map(duty).collect::<Vec<_>>(),
        "declared": &*incident.declared,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    id: String,
    title: String,
    /// Now where nothing is said.
    aware_at: Option<Time>,
    #[serde(default)]
    significant: Significance,
    #[serde(default)]
    affected: Vec<String>,
    suspected_malicious: Option<bool>,
    cross_border: Option<bool>,
    description: Option<String>,
    reason: String,
}

/// Opens an incident. Whether it must be reported is an approver's to say; that it is there, the shift's.
pub(super) async fn open(State(inner): Shared, actor: Actor, query: Query, bytes: Bytes) -> Answer {
    let mut by = actor.clone().with(Role::Operator)?;
    query.finish()?;
    let (said, now) = (body::<Open>(&bytes)?, Utc::now());
    if said.significant != Significance::Undecided {
        by = actor.with(Role::Approver)?;
    }
    given(&said.reason)?;
    let opening = Opening {
        id: said.id,
        title: said.title,
        aware_at: said.aware_at.unwrap_or(now),
        significant: said.significant,
        affected: said.affected,
        suspected_malicious: said.suspected_malicious,
        cross_border: said.cross_border,
        description: said.description,
    };
    let incident = opening.incident(&book(&inner).await?, now)?;
    let id = incident.id.to_string();
    let mut answer = write(&inner, &Deed::Open(Box::new(incident)), &by, &said.reason).await?;
    answer["id"] = json!(id);
    Ok(Json(answer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Classify {
    significant: Significance,
    /// When the plant became aware that it is; from becoming aware of the incident where nothing is said.
    since: Option<Time>,
}

/// Says whether an incident must be reported; if it must, its clocks run.
pub(super) async fn classify(
    State(inner): Shared,
    actor: Actor,
    Path(incident): Path<String>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let Approved { by, said, reason } = approved::<Classify>(actor, query, &bytes)?;
    let deed = duties::classify(&incident, said.significant, said.since, &book(&inner).await?, Utc::now())?;
    Ok(Json(write(&inner, &deed, &by, &reason).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    /// When the handling ended; now where nothing is said.
    at: Option<Time>,
    #[serde(default)]
    correct: bool,
}

/// Notes that the handling of an incident has ended.
pub(super) async fn close(
    State(inner): Shared,
    actor: Actor,
    Path(incident): Path<String>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let (Approved { by, said, reason }, now) = (approved::<Close>(actor, query, &bytes)?, Utc::now());
    let deed = duties::close(&incident, said.at.unwrap_or(now), said.correct, &book(&inner).await?, now)?;
    Ok(Json(write(&inner, &deed, &by, &reason).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    stage: Stage,
    /// When it went out; now where nothing is said.
    at: Option<Time>,
    #[serde(default)]
    requested: bool,
    receipt: Option<String>,
    #[serde(default)]
    correct: bool,
}

/// Notes that a report of an incident went out, by a person's own hand: nothing is sent to anybody.
pub(super) async fn report(
    State(inner): Shared,
    actor: Actor,
    Path(incident): Path<String>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let (Approved { by, said, reason }, now) = (approved::<Report>(actor, query, &bytes)?, Utc::now());
    let reporting = Reporting {
        stage: said.stage,
        at: said.at.unwrap_or(now),
        requested: said.requested,
        receipt: said.receipt,
        correct: said.correct,
    };
    let deed = reporting.deed(&book(&inner).await?, &incident, now)?;
    Ok(Json(write(&inner, &deed, &by, &reason).await?))
}
