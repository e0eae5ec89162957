//! What people accepted, signed and owe.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use serde_json::{Value, json};

use super::{Answer, Query, view};
use crate::api::router::Shared;
use crate::duties::{Statement, Waiver};
use crate::model::Time;

pub(super) async fn waivers(State(inner): Shared, mut query: Query) -> Answer {
    let wanted = query.words("state", &["running", "not_begun", "expired"])?;
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
            "compensating_measure": waiver.compensating_measure, "declared": &*waiver.declared,
        })
    });
    Ok(super::paged("waivers", shown.collect(), found.len(), page))
}

pub(super) async fn attestations(State(inner): Shared, mut query: Query) -> Answer {
    let wanted = query.words("state", &["valid", "expired", "rejected", "ahead"])?;
    let page = query.page()?;
    query.finish()?;
    let (view, book, now) = (view(&inner)?, inner.desk.operator.book(), Utc::now());
    let current = book.all_current(now);
    let is_meant = |statement: &&&Statement| wanted.is_empty() || wanted.contains(&statement.standing(now).word());
    let found: Vec<_> = current.iter().filter(is_meant).collect();
    let shown: Vec<_> = page.of(&found).iter().map(|statement| attestation(statement, now)).collect();
    let attested = view.catalog.checks.values().filter(|check| view.catalog.is_attested(check));
    let unsigned = attested.map(|check| &check.id).filter(|id| !current.iter().any(|one| one.check == **id));
    let missing: Vec<_> = unsigned.collect();
    let Json(mut answer) = super::paged("attestations", shown, found.len(), page);
    answer["missing"] = json!(missing);
    Ok(Json(answer))
}

fn attestation(statement: &Statement, now: Time) -> Value {
    json!({
        "id": statement.id, "check": statement.check, "subject": statement.subject, "statement": statement.statement,
        "state": statement.standing(now).word(), "signed_by": statement.signed_by, "signed_at": statement.signed_at,
        "valid_until": statement.valid_until(), "owner": statement.owner(), "evidence": statement.evidence,
        "fields": statement.fields, "renews": statement.renews, "declared": &*statement.declared,
    })
}
