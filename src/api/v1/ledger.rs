//! Changes of verdicts, and where the chain that keeps them stands.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{Answer, Query, Refusal};
use crate::api::router::Shared;
use crate::model::{Cause, Verdict};
use crate::store::{Filter, LedgerRecord};

/// Changes on a page where nothing is said.
const USUAL: usize = 100;

/// One change.
pub(super) fn transition(record: &LedgerRecord) -> Value {
    let change = &record.transition;
    json!({
        "seq": record.seq, "digest": record.digest.to_string(), "at": change.at, "asset": change.asset,
        "zone": change.zone, "check": change.check, "severity": change.severity,
        "from": change.from.map(Verdict::word), "from_cause": change.from.and_then(Verdict::cause).map(Cause::word),
        "to": change.to.word(), "to_cause": change.to.cause().map(Cause::word),
        "drift": change.is_drift(), "reason": change.reason,
    })
}

/// Changes, newest first. The numbers of the chain lead from page to page, so nothing is skipped or shown twice while new
/// changes come in.
pub(super) async fn transitions(State(inner): Shared, mut query: Query) -> Answer {
    let severities = query.severities()?;
    let states = query.states()?;
    let filter = Filter {
        asset: query.parsed("asset")?,
        check: query.parsed("check")?,
        zone: query.parsed("zone")?,
        state: single("state", &states)?.map(str::to_owned),
        severity: single("severity", &severities)?,
        from: query.time("from")?,
        until: query.time("until")?,
        before: query.number("before")?,
    };
    let limit = query.limit(USUAL)?;
    query.finish()?;
    let records = inner.desk.store.transitions(filter, limit).await?;
    let next = records.last().filter(|_| records.len() == limit).map(|record| record.seq);
    let shown: Vec<_> = records.iter().map(transition).collect();
    Ok(Json(json!({ "transitions": shown, "limit": limit, "next": next })))
}

fn single<T: Copy>(name: &str, words: &[T]) -> Result<Option<T>, Refusal> {
    match words {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(Refusal::InvalidValue(format!("{name}: only one at a time here"))),
    }
}

pub(super) async fn show(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let head = inner.desk.store.head().await?;
    let head = head.map(|head| json!({ "seq": head.seq, "digest": head.digest.to_string(), "text": head.to_string() }));
    let examined = inner.desk.operator.examined();
    Ok(Json(json!({ "head": head, "examined": examined.as_deref(), "verify": "nis2watch ledger verify" })))
}
