//! The assets: who they are, how they stand, what was sent to them.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::results::{Entry, entries};
use super::status::states;
use super::{Answer, Query, Refusal, paged, stranger, view};
use crate::api::router::{Inner, Shared};
use crate::api::{State as Board, View};
use crate::engine::{AssetIndex, Plan};
use crate::model::{AssetId, Kind, Verdict, ZoneId};
use crate::store::Filter;

/// Changes that are shown with an asset.
const RECENT: usize = 20;

/// Which assets a list has.
#[derive(Debug, Default)]
pub(in crate::api) struct Wanted {
    pub(in crate::api) zone: Option<String>,
    pub(in crate::api) kind: Option<String>,
    pub(in crate::api) states: Vec<&'static str>,
    pub(in crate::api) text: Option<String>,
}

impl Wanted {
    pub(in crate::api) fn take(query: &mut Query) -> Result<Self, Refusal> {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        let kind = query.words("kind", &kinds)?.first().map(|kind| (*kind).to_owned());
        Ok(Self { zone: query.text("zone"), kind, states: query.states()?, text: query.text("q") })
    }

    /// The places of the assets that are meant, in the order of the plan.
    pub(in crate::api) fn find(&self, board: &Board) -> Result<Vec<AssetIndex>, Refusal> {
        if let Some(zone) = &self.zone
            && !board.zones.contains_key(zone.as_str())
        {
            return Err(stranger("zone", zone, board.zones.keys().map(ZoneId::as_str)));
        }
        let text = self.text.as_ref().map(|text| text.to_lowercase());
        let is_meant = |at: &AssetIndex| {
            let asset = &board.plan.asset(*at).member.asset;
            let says = |word: &str| text.as_ref().is_none_or(|text| word.to_lowercase().contains(text.as_str()));
            self.zone.as_ref().is_none_or(|zone| asset.zone.as_str() == zone)
                && self.kind.as_ref().is_none_or(|kind| asset.kind.word() == kind)
                && (says(asset.id.as_str())
                    || [&asset.address, &asset.vendor, &asset.product, &asset.owner]
                        .into_iter()
                        .flatten()
                        .any(|word| says(word)))
                && (self.states.is_empty() || board.pairs_of(*at).any(|pair| self.states.contains(&pair.state())))
        };
        let all = AssetIndex::try_from(board.plan.assets.len()).unwrap_or(AssetIndex::MAX);
        Ok((0..all).filter(is_meant).collect())
    }
}

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let (wanted, page) = (Wanted::take(&mut query)?, query.page()?);
    query.finish()?;
    view(&inner)?;
    let board = inner.desk.board.read();
    let found = wanted.find(&board)?;
    let shown = page.of(&found).iter().map(|at| summary(&board, *at)).collect();
    Ok(paged("assets", shown, found.len(), page))
}

/// One asset in a line.
fn summary(board: &Board, at: AssetIndex) -> Value {
    let asset = &board.plan.asset(at).member.asset;
    let tally = board.tally(at);
    json!({
        "id": asset.id, "zone": asset.zone, "kind": asset.kind, "site": asset.site, "address": asset.address,
        "vendor": asset.vendor, "product": asset.product, "version": asset.version, "owner": asset.owner,
        "criticality": asset.criticality, "supplier": asset.supplier, "labels": asset.labels,
        "states": states(&tally), "leading": tally.leading(), "worst_severity": tally.worst(Verdict::Fail),
        "last_visit": board.visits[at as usize].as_ref().map(|visit| visit.at),
    })
}

pub(super) async fn show(State(inner): Shared, Path(asset): Path<String>, query: Query) -> Answer {
    query.finish()?;
    let view = view(&inner)?;
    let (pairs, head, plan) = {
        let board = inner.desk.board.read();
        let at = find(&board.plan, &asset)?;
        (board.pairs_of(at).collect::<Vec<_>>(), more(&view, &board, at), std::sync::Arc::clone(&board.plan))
    };
    let results: Vec<Entry> = entries(&inner, &plan, &pairs).await?;
    let transitions = recent(&inner, &asset).await?;
    let Value::Object(mut shown) = head else { return Err(Refusal::Internal) };
    shown.insert("results".into(), json!(results));
    shown.insert("transitions".into(), json!(transitions));
    Ok(Json(Value::Object(shown)))
}

/// What is known of an asset beside its verdicts.
fn more(view: &View, board: &Board, at: AssetIndex) -> Value {
    let mut shown = summary(board, at);
    let member = &board.plan.asset(at).member;
    let visit = board.visits[at as usize].as_ref().map(|visit| {
        let reachable =
            visit.reachable.iter().map(|(transport, reached)| (transport.word().to_owned(), json!(reached)));
        json!({
            "at": visit.at, "seconds": visit.duration.as_secs_f64(),
            "reachable": Value::Object(reachable.collect()),
        })
    });
    let also = json!({
        "device": board.devices.get(&at), "visit": visit, "inactive": member.inactive, "fragile": member.fragile,
        "support_end": member.asset.support_end, "allowed_ports": member.asset.allowed_ports,
        "sent": super::gate::entries(view, &member.asset.id),
    });
    if let (Some(shown), Value::Object(also)) = (shown.as_object_mut(), also) {
        shown.extend(also);
    }
    shown
}

async fn recent(inner: &Inner, asset: &str) -> Result<Vec<Value>, Refusal> {
    let filter = Filter { asset: AssetId::parse(asset).ok(), ..Filter::default() };
    let records = inner.desk.store.transitions(filter, RECENT).await?;
    Ok(records.iter().map(super::ledger::transition).collect())
}

/// The place of an asset that a path names.
pub(in crate::api) fn find(plan: &Plan, asset: &str) -> Result<AssetIndex, Refusal> {
    plan.find(asset).ok_or_else(|| Refusal::NotFound(format!("there is no asset {asset:?}")))
}
