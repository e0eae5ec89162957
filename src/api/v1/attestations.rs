//! What people signed, and signing.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Approved, approved, book, write};
use super::body::body;
use super::{Answer, Query, view};
use crate::api::Role;
use crate::api::admit::Actor;
use crate::api::router::{Inner, Shared};
use crate::duties::{self, Deed, EvidenceFile, Outcome, Renewing, Signer, Signing, Standing, Statement};
use crate::model::{self, Time};

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let wanted = query.words("state", &Standing::WORDS)?;
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    check: String,
    #[serde(default = "org")]
    subject: String,
    statement: String,
    /// Who signs; the holder of the token or the user where nobody is named.
    signed_by: Option<Signer>,
    valid_days: Option<u32>,
    #[serde(default = "confirmed")]
    result: Outcome,
    owner: Option<String>,
    #[serde(default)]
    evidence: Vec<EvidenceFile>,
    #[serde(default)]
    fields: BTreeMap<Arc<str>, model::Value>,
}

fn org() -> String {
    duties::ORG.to_owned()
}

const fn confirmed() -> Outcome {
    Outcome::Confirmed
}

pub(super) async fn sign(State(inner): Shared, actor: Actor, query: Query, bytes: Bytes) -> Answer {
    let actor = actor.with(Role::Approver)?;
    query.finish()?;
    let (said, catalog) = (body::<Sign>(&bytes)?, view(&inner)?.catalog);
    let reason = said.statement.clone();
    let signing = Signing {
        check: said.check,
        subject: said.subject,
        statement: said.statement,
        signed_by: said.signed_by.unwrap_or_else(|| myself(&actor)),
        valid_days: said.valid_days,
        result: said.result,
        owner: said.owner,
        evidence: said.evidence,
        fields: said.fields,
    };
    let statement = signing.deed(&book(&inner).await?, &catalog, Utc::now())?;
    signed(&inner, statement, &actor, &reason).await
}

async fn signed(inner: &Inner, statement: Statement, actor: &str, reason: &str) -> Answer {
    let (id, until) = (statement.id.to_string(), statement.valid_until());
    let mut answer = write(inner, &Deed::Sign(Box::new(statement)), actor, reason).await?;
    answer["id"] = json!(id);
    answer["valid_until"] = json!(until);
    Ok(Json(answer))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renew {
    /// Who signs; the holder of the token or the user where nobody is named.
    signed_by: Option<Signer>,
    valid_days: Option<u32>,
    #[serde(default = "confirmed")]
    result: Outcome,
    #[serde(default)]
    evidence: Vec<EvidenceFile>,
    #[serde(default)]
    fields: BTreeMap<Arc<str>, model::Value>,
}

/// Signs a statement anew.
pub(super) async fn renew(
    State(inner): Shared,
    actor: Actor,
    Path(id): Path<String>,
    query: Query,
    bytes: Bytes,
) -> Answer {
    let Approved { by, said, reason } = approved::<Renew>(actor, query, &bytes)?;
    let renewing = Renewing {
        id,
        signed_by: said.signed_by.unwrap_or_else(|| myself(&by)),
        valid_days: said.valid_days,
        result: said.result,
        evidence: said.evidence,
        fields: said.fields,
    };
    let statement = renewing.deed(&book(&inner).await?, Utc::now())?;
    signed(&inner, statement, &by, &reason).await
}

fn myself(actor: &str) -> Signer {
    Signer { person: actor.to_owned(), role: Role::Approver.word().to_owned() }
}
