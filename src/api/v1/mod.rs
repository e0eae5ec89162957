//! Version 1 of the API: everything the daemon knows, as JSON, one file a resource.
//!
//! Lists are bounded and paged, filters are checked against what there is, and a refusal has a code that stays. States come
//! from the board; the store is read only for the entries of one page, on threads of its own. `openapi.json` describes all of
//! it, and a test holds both against each other.

mod acts;
mod advisories;
mod assets;
mod attestations;
mod baselines;
mod body;
mod checks;
mod controls;
mod feeds;
mod gate;
mod incidents;
mod ledger;
mod query;
mod refusal;
mod results;
mod status;
mod targets;
mod waivers;

use std::sync::Arc;

use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};

use super::View;
use super::router::Inner;

pub(super) use advisories::{Wanted as WantedAdvisories, exposures, judged};
pub(super) use assets::{Wanted as WantedAssets, find as find_asset};
pub(super) use baselines::Wanted as WantedBaselines;
pub(super) use checks::tallies;
pub(super) use query::{Page, Query, SHORT, stranger};
pub(super) use refusal::Refusal;
pub(super) use results::{Entry, Order, Wanted as WantedPairs, entries, pair};

/// The description of the API.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// What a handler gives back.
type Answer = Result<Json<serde_json::Value>, Refusal>;

/// Every route below `/api/v1`.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<Arc<Inner>>)> {
    vec![
        ("/openapi.json", get(description)),
        ("/status", get(status::show)),
        ("/assets", get(assets::list)),
        ("/assets/{asset}", get(assets::show)),
        ("/checks", get(checks::list)),
        ("/checks/{check}", get(checks::show)),
        ("/results", get(results::list)),
        ("/results/{asset}/{check}", get(results::show)),
        ("/results/{asset}/{check}/evidence", get(results::evidence)),
        ("/transitions", get(ledger::transitions)),
        ("/ledger", get(ledger::show)),
        ("/controls", get(controls::list)),
        ("/waivers", get(waivers::list).post(waivers::waive)),
        ("/waivers/{waiver}/revoke", post(waivers::revoke)),
        ("/baselines", get(baselines::list)),
        ("/baselines/{asset}/{check}/approve", post(baselines::approve)),
        ("/baselines/{asset}/{check}/revert", post(baselines::revert)),
        ("/baselines/{asset}/{check}/plan", post(baselines::plan)),
        ("/attestations", get(attestations::list).post(attestations::sign)),
        ("/attestations/{attestation}/renew", post(attestations::renew)),
        ("/incidents", get(incidents::list).post(incidents::open)),
        ("/incidents/{incident}/classify", post(incidents::classify)),
        ("/incidents/{incident}/reports", post(incidents::report)),
        ("/incidents/{incident}/close", post(incidents::close)),
        ("/feeds", get(feeds::list)),
        ("/advisories", get(advisories::list)),
        ("/plan", get(gate::plan)),
        ("/gate", get(gate::books)),
        ("/gate/stop", post(acts::stop)),
        ("/gate/resume", post(acts::resume)),
        ("/run", post(acts::run)),
        ("/targets", get(targets::list)),
    ]
}

/// The routes as a service.
pub(super) fn router() -> Router<Arc<Inner>> {
    let all = routes().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    all.fallback(|| async {
        Refusal::NotFound("there is nothing here; /api/v1/openapi.json says what there is".into())
    })
    .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
}

async fn description(query: Query) -> Result<([(&'static str, &'static str); 1], &'static str), Refusal> {
    query.finish()?;
    Ok(([("content-type", "application/json")], OPENAPI))
}

/// What is watched.
pub(super) fn view(inner: &Inner) -> Result<View, Refusal> {
    inner.desk.operator.view().ok_or(Refusal::NotReady)
}

/// What a list says beside its entries.
fn paged(name: &str, entries: Vec<serde_json::Value>, total: usize, page: Page) -> Json<serde_json::Value> {
    let (limit, offset, next) = (page.limit, page.offset, page.next(total));
    let mut answer = serde_json::json!({ "total": total, "limit": limit, "offset": offset, "next": next });
    answer[name] = entries.into();
    Json(answer)
}

#[cfg(test)]
pub(super) mod tests;
