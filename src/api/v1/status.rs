//! How the plant and the daemon stand, in one look.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::{Answer, Query, view};
use crate::api::Tally;
use crate::api::router::Shared;
use crate::model::Verdict;

pub(super) async fn show(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let view = view(&inner)?;
    let board = inner.desk.board.read();
    let zones = board.zones.iter().map(|(zone, tally)| {
        let assets = board.plan.assets.iter().filter(|planned| planned.member.asset.zone == *zone).count();
        json!({
            "zone": zone, "assets": assets, "states": states(tally), "leading": tally.leading(),
            "worst_severity": tally.worst(Verdict::Fail),
        })
    });
    Ok(Json(json!({
        "site": view.site,
        "version": env!("CARGO_PKG_VERSION"),
        "loaded_at": view.loaded_at,
        "ready": inner.desk.operator.is_ready(),
        "traffic_allowed": inner.desk.operator.traffic_allowed(),
        "assets": board.plan.assets.len(),
        "states": states(&board.total),
        "never_judged": board.waiting,
        "unknown_by_cause": board.causes.iter().filter(|(_, count)| **count > 0).collect::<BTreeMap<_, _>>(),
        "zones": zones.collect::<Vec<_>>(),
    })))
}

/// Pairs in each state, by its word.
pub(super) fn states(tally: &Tally) -> Value {
    let counts = Verdict::WORDS.iter().zip(tally.states());
    Value::Object(counts.map(|(state, count)| ((*state).to_owned(), json!(count))).collect::<Map<_, _>>())
}
