//! What people accepted, and accepting.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use chrono::Utc;
use serde_json::{Value, json};

use super::acts::{Approved, Nothing, approved, book, write};
use super::body::{body, read};
use super::{Answer, Query, view};
use crate::api::Role;
use crate::api::admit::Actor;
use crate::api::router::Shared;
use crate::duties::{self, Waiver};

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let wanted = query.words("state", &Waiver::STANDINGS)?;
    let page = query.page()?;
    query.finish()?;
    let (book, now) = (inner.desk.operator.book(), Utc::now());
    let is_meant = |waiver: &&Waiver| wanted.is_empty() || wanted.contains(&waiver.standing(now));
    let found: Vec<_> = book.waivers().iter().filter(is_meant).collect();
    let shown = page.of(&found).iter().map(|waiver| {
        json!({
            "id": waiver.id, "state": waiver.standing(now), "checks": waiver.checks(), "match": waiver.selector, "zones": waiver.zones(),
            "starts_at": waiver.starts_at, "expires_at": waiver.expires_at, "owner": waiver.owner,
            "reason": waiver.reason, "approved_by": waiver.approved_by,
            "compensating_measure": waiver.compensating_measure, "declared": &*waiver.declared, "revocation": waiver.revocation,
        })
    });
    Ok(super::paged("waivers", shown.collect(), found.len(), page))
}

/// Accepts fails: the body is a waiver as in a file; it begins now and is approved by who sends it, unless it says otherwise.
pub(super) async fn waive(State(inner): Shared, actor: Actor, query: Query, bytes: Bytes) -> Answer {
    let actor = actor.with(Role::Approver)?;
    query.finish()?;
    let (now, catalog) = (Utc::now(), view(&inner)?.catalog);
    let mut said: serde_json::Map<String, Value> = body(&bytes)?;
    said.entry("starts_at").or_insert_with(|| json!(now));
    said.entry("approved_by").or_insert_with(|| json!({ "person": &actor, "role": Role::Approver.word() }));
    let waiver: Waiver = read(Value::Object(said))?;
    let (id, reason) = (waiver.id.to_string(), waiver.reason.clone());
    let deed = duties::waive(waiver, &book(&inner).await?, &catalog, now)?;
    let mut answer = write(&inner, &deed, &actor, &reason).await?;
    answer["id"] = json!(id);
    Ok(Json(answer))
}

/// Ends a waiver now; its findings come back.
pub(super) async fn revoke(
    State(inner): Shared,
    actor: Actor,
    Path(waiver): Path<String>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let Approved { by, reason, .. } = approved::<Nothing>(actor, query, &bytes)?;
    let deed = duties::revoke(&waiver, &book(&inner).await?, Utc::now())?;
    Ok(Json(write(&inner, &deed, &by, &reason).await?))
}
