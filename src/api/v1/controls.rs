//! What the law and the standards ask, and with which candour it can be said to be seen to.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::checks::tallies;
use super::status::states;
use super::{Answer, Query, view};
use crate::api::Tally;
use crate::api::router::Shared;
use crate::catalog::{Catalog, Control};

pub(super) async fn list(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let view = view(&inner)?;
    let board = inner.desk.board.read();
    let tallies = tallies(&board);
    let shown: Vec<_> = view
        .catalog
        .controls
        .list
        .values()
        .map(|control| {
            let checks = view.catalog.checks.values().filter(|check| check.controls.contains(&control.id));
            let ids: Vec<_> = checks.map(|check| check.id.as_str()).collect();
            let tally = ids.iter().filter_map(|id| tallies.get(id)).fold(Tally::default(), Tally::plus);
            entry(&view.catalog, control, &ids, &tally)
        })
        .collect();
    drop(board);
    Ok(Json(json!({ "controls": shown, "coverage": view.catalog.coverage() })))
}

fn entry(catalog: &Catalog, control: &Control, checks: &[&str], tally: &Tally) -> Value {
    let refs = control.refs.by_framework().into_iter().filter(|(_, points)| !points.is_empty());
    let refs: Map<_, _> = refs.map(|(framework, points)| (framework.to_owned(), json!(points))).collect();
    json!({
        "id": control.id, "title": control.title, "objective": control.objective, "note": control.note, "references": refs,
        "coverage": catalog.evidence_for(&control.id).word(), "checks": checks, "states": states(tally),
    })
}
