//! Do no harm, as numbers: what would be sent to each asset, and what was.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use serde_json::{Map, Value, json};

use super::assets::Wanted;
use super::{Answer, Query, Refusal, paged, stranger, view};
use crate::api::router::Shared;
use crate::api::{State as Board, View};
use crate::engine::AssetIndex;
use crate::model::AssetId;
use crate::output::outline;

/// What was sent to an asset since the start of the process, by transport.
pub(super) fn entries(view: &View, asset: &AssetId) -> Value {
    let books = view.books.get(asset);
    let entries = books.into_iter().flat_map(|books| books.entries().collect::<Vec<_>>());
    Value::Object(entries.map(|(transport, entry)| (transport.word().to_owned(), json!(entry))).collect::<Map<_, _>>())
}

/// Those that are meant, in the order of the plan; with `asset` that one, if it is among them.
fn meant(board: &Board, wanted: &Wanted, asset: Option<&str>) -> Result<Vec<AssetIndex>, Refusal> {
    let found = wanted.find(board)?;
    let Some(asset) = asset else { return Ok(found) };
    let known = || board.plan.assets.iter().map(|planned| planned.member.asset.id.as_str());
    let at = board.plan.find(asset).ok_or_else(|| stranger("asset", asset, known()))?;
    Ok(found.into_iter().filter(|one| *one == at).collect())
}

pub(super) async fn books(State(inner): Shared, mut query: Query) -> Answer {
    let asset = query.text("asset");
    let (wanted, page) = (Wanted::take(&mut query)?, query.page()?);
    query.finish()?;
    let view = view(&inner)?;
    let board = inner.desk.board.read();
    let found = meant(&board, &wanted, asset.as_deref())?;
    let shown = page.of(&found).iter().map(|at| {
        let asset = &board.plan.asset(*at).member.asset;
        json!({ "asset": asset.id, "zone": asset.zone, "sent": entries(&view, &asset.id) })
    });
    let Json(mut answer) = paged("assets", shown.collect(), found.len(), page);
    answer["traffic_allowed"] = json!(inner.desk.operator.traffic_allowed());
    Ok(Json(answer))
}

pub(super) async fn plan(State(inner): Shared, mut query: Query) -> Answer {
    let asset = query.text("asset");
    let (wanted, page) = (Wanted::take(&mut query)?, query.page()?);
    query.finish()?;
    let view = view(&inner)?;
    let (plan, found) = {
        let board = inner.desk.board.read();
        (Arc::clone(&board.plan), meant(&board, &wanted, asset.as_deref())?)
    };
    let total = found.len();
    let shown = page
        .of(&found)
        .iter()
        .map(|at| plan.asset(*at).member.asset.id.clone())
        .collect::<std::collections::HashSet<_>>();
    let catalog = Arc::clone(&view.catalog);
    // a plan of thousands is some work; requests are not what the daemon is for
    let outlines = tokio::task::spawn_blocking(move || {
        let is_shown = |planned: &crate::engine::PlannedAsset| shown.contains(&planned.member.asset.id);
        outline(&plan, is_shown, asset.is_some().then_some(&*catalog), Utc::now())
            .iter()
            .map(|one| json!(one))
            .collect()
    });
    Ok(paged("plan", outlines.await.map_err(|_| Refusal::Internal)?, total, page))
}
