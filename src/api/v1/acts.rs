//! Acts of people: stop and resume traffic, visit now. Each needs a role and stands in the
//! ledger with who did it before it takes effect.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use chrono::Utc;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::body::{body, read};
use super::{Answer, Query, Refusal, assets, stranger, view};
use crate::api::Role;
use crate::api::admit::Actor;
use crate::api::router::{Inner, Shared};
use crate::duties::{Book, ClerkError, Deed};
use crate::store::{Act, Head};

impl From<ClerkError> for Refusal {
    fn from(error: ClerkError) -> Self {
        match error {
            ClerkError::Stranger(text) => Self::NotFound(text),
            ClerkError::Wrong(text) => Self::InvalidValue(text),
            ClerkError::Before(text) => Self::Conflict(text),
        }
    }
}

/// What an act leaves in the ledger.
pub(super) fn noted(head: Head) -> Value {
    json!({ "record": { "seq": head.seq, "digest": head.digest.to_string() } })
}

/// An act that says nothing but its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn stop(State(inner): Shared, actor: Actor, query: Query, bytes: Bytes) -> Answer {
    set_traffic(&inner, actor, query, &bytes, false).await
}

pub(super) async fn resume(State(inner): Shared, actor: Actor, query: Query, bytes: Bytes) -> Answer {
    set_traffic(&inner, actor, query, &bytes, true).await
}

async fn set_traffic(inner: &Inner, actor: Actor, query: Query, bytes: &Bytes, allowed: bool) -> Answer {
    let actor = actor.with(Role::Operator)?;
    query.finish()?;
    body::<Nothing>(bytes)?;
    inner.desk.operator.set_traffic(allowed, &actor).await.map_err(|error| {
        tracing::error!(error, "an act could not be kept");
        Refusal::Internal
    })?;
    Ok(Json(json!({ "traffic_allowed": inner.desk.operator.traffic_allowed() })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunNow {
    asset: String,
    /// All checks of the asset where none is named.
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default)]
    reason: String,
}

/// Visits an asset as soon as its gate lets through what that takes; budgets, gaps and windows hold as ever.
pub(super) async fn run(State(inner): Shared, actor: Actor, query: Query, bytes: Bytes) -> Answer {
    let actor = actor.with(Role::Operator)?;
    query.finish()?;
    let wanted: RunNow = body(&bytes)?;
    let plan = view(&inner)?.plan;
    let at = assets::find(&plan, &wanted.asset)?;
    let planned = plan.asset(at);
    let known = || planned.checks.iter().map(|one| one.check.id.as_str());
    let place = |check: &String| planned.check(check).ok_or_else(|| stranger("checks", check, known()));
    let checks = match wanted.checks.as_slice() {
        [] => (0..).zip(&planned.checks).map(|(at, _)| at).collect(),
        named => named.iter().map(place).collect::<Result<Vec<_>, _>>()?,
    };
    if !inner.desk.operator.traffic_allowed() {
        return Err(Refusal::Conflict("traffic is stopped: no asset is asked anything until it is resumed".into()));
    }
    let ids: Vec<_> = checks.iter().map(|check| &planned.checks[usize::from(*check)].check.id).collect();
    let act = Act {
        kind: "run.now".into(),
        subject: wanted.asset.clone(),
        actor,
        reason: wanted.reason,
        body: json!({ "checks": ids }).to_string(),
        at: Utc::now(),
    };
    let head = inner.desk.store.act(act).await?;
    let mut answer = noted(head);
    answer["asset"] = json!(wanted.asset);
    answer["checks"] = json!(ids);
    inner.desk.operator.run_now(at, checks).map_err(Refusal::Conflict)?;
    Ok(Json(answer))
}

/// What an approver says, and why.
pub(super) struct Approved<T> {
    pub(super) by: String,
    pub(super) said: T,
    pub(super) reason: String,
}

/// Reads an act that needs the role approver and a reason.
pub(super) fn approved<T: DeserializeOwned>(actor: Actor, query: Query, bytes: &Bytes) -> Result<Approved<T>, Refusal> {
    let by = actor.with(Role::Approver)?;
    query.finish()?;
    let mut said: Map<String, Value> = body(bytes)?;
    let reason = match said.remove("reason") {
        Some(Value::String(reason)) => reason,
        Some(_) => return Err(Refusal::InvalidValue("the body: reason: expected text".into())),
        None => return Err(Refusal::InvalidValue("the body: the key `reason` is missing".into())),
    };
    given(&reason)?;
    Ok(Approved { by, said: read(Value::Object(said))?, reason })
}

/// Refuses an act without a reason.
pub(super) fn given(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(Refusal::InvalidValue("give a reason: whoever reads the ledger will want one".into()));
    }
    Ok(())
}

/// The registers with every act that is in the ledger by now; the daemon itself looks only every few seconds.
pub(super) async fn book(inner: &Inner) -> Result<Book, Refusal> {
    let acts = inner.desk.store.acts(0).await?;
    Ok(inner.desk.operator.book().with_acts(&acts))
}

/// Writes a deed into the ledger, and answers when the daemon goes by it.
pub(super) async fn write(inner: &Inner, deed: &Deed, actor: &str, reason: &str) -> Result<Value, Refusal> {
    let head = inner.desk.store.act(deed.act(actor, reason, Utc::now())).await?;
    inner.desk.operator.noted(head.seq).await;
    Ok(noted(head))
}
