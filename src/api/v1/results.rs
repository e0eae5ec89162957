//! Verdicts with their reasons, and what they rest on.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::json;

use super::{Answer, Query, Refusal, paged, stranger, view};
use crate::api::router::{Inner, Shared};
use crate::api::{Pair, State as Board};
use crate::engine::{Plan, PlannedAsset, PlannedCheck};
use crate::model::{AssetId, Cause, CheckId, ControlId, Evidence, Params, Severity, Time, Value, ZoneId};
use crate::store::Stored;

/// Judgements of one pair that are shown where nothing is said.
const HISTORY: usize = 20;

/// One pair as a line of a list.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Entry {
    pub(in crate::api) asset: AssetId,
    pub(in crate::api) zone: ZoneId,
    pub(in crate::api) check: CheckId,
    pub(in crate::api) title: String,
    pub(in crate::api) state: &'static str,
    pub(in crate::api) cause: Option<&'static str>,
    pub(in crate::api) severity: Severity,
    /// `None` was never judged.
    pub(in crate::api) reason: Option<String>,
    pub(in crate::api) fix: String,
    /// What to do, where the state is unknown.
    pub(in crate::api) advice: Option<&'static str>,
    pub(in crate::api) controls: Vec<ControlId>,
    pub(in crate::api) since: Option<Time>,
    pub(in crate::api) at: Option<Time>,
}

/// One judgement in full.
#[derive(Debug, Serialize)]
struct Full {
    #[serde(flatten)]
    entry: Entry,
    check_version: u32,
    first_at: Time,
    times: u64,
    observed: Value,
    expected: Value,
    params: Params,
    evidence: Evidence,
    duration_ms: u64,
}

impl Entry {
    fn new(planned: &PlannedAsset, one: &PlannedCheck, pair: &Pair, stored: Option<&Stored>) -> Self {
        let (asset, check) = (&planned.member.asset, &one.check);
        Self {
            asset: asset.id.clone(),
            zone: asset.zone.clone(),
            check: check.id.clone(),
            title: check.title.clone(),
            state: stored.map_or_else(|| pair.state(), |stored| stored.result.judgement.verdict.word()),
            cause: stored
                .map_or_else(|| pair.cause(), |stored| stored.result.judgement.verdict.cause())
                .map(Cause::word),
            severity: check.severity,
            reason: stored.map(|stored| stored.result.judgement.reason.clone()),
            fix: check.fix.clone(),
            advice: stored.and_then(|stored| planned.advice(&stored.result)).map(crate::model::Advice::sentence),
            controls: check.controls.clone(),
            since: stored.map(|stored| stored.since).or(pair.cell.map(|cell| cell.since)),
            at: stored.map(|stored| stored.result.at).or(pair.cell.map(|cell| cell.at)),
        }
    }
}

/// The lines of these pairs, in their order; one read of the store for all of them.
pub(in crate::api) async fn entries(inner: &Inner, plan: &Plan, pairs: &[Pair]) -> Result<Vec<Entry>, Refusal> {
    let named = pairs.iter().filter(|pair| pair.cell.is_some()).map(|pair| {
        let (planned, one) = pair.of(plan);
        (planned.member.asset.id.clone(), one.check.id.clone())
    });
    let stored = inner.desk.store.judgements(named.collect()).await?;
    let stored: HashMap<_, _> =
        stored.iter().map(|one| ((one.result.asset.as_str(), one.result.check.as_str()), one)).collect();
    let entry = |pair: &Pair| {
        let (planned, one) = pair.of(plan);
        let found = stored.get(&(planned.member.asset.id.as_str(), one.check.id.as_str())).copied();
        Entry::new(planned, one, pair, found)
    };
    Ok(pairs.iter().map(entry).collect())
}

/// Which pairs a list has.
#[derive(Debug, Default)]
pub(in crate::api) struct Wanted {
    pub(in crate::api) asset: Option<String>,
    pub(in crate::api) check: Option<String>,
    pub(in crate::api) zone: Option<String>,
    pub(in crate::api) states: Vec<&'static str>,
    pub(in crate::api) causes: Vec<&'static str>,
    pub(in crate::api) severities: Vec<Severity>,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::api) struct Order {
    key: &'static str,
    falling: bool,
}

impl Order {
    const KEYS: [&'static str; 12] = [
        "asset",
        "-asset",
        "check",
        "-check",
        "zone",
        "-zone",
        "severity",
        "-severity",
        "since",
        "-since",
        "at",
        "-at",
    ];

    /// The most urgent first, of those the newest.
    pub(in crate::api) const URGENT: Self = Self { key: "severity", falling: true };

    pub(in crate::api) fn take(query: &mut Query) -> Result<Self, Refusal> {
        let word = query.words("sort", &Self::KEYS)?.first().copied().unwrap_or("asset");
        Ok(Self { key: word.trim_start_matches('-'), falling: word.starts_with('-') })
    }

    /// Sorts pairs; what is equal keeps the order of the plan.
    pub(in crate::api) fn sort(self, plan: &Plan, pairs: &mut [Pair]) {
        let id = |pair: &Pair| plan.asset(pair.asset).member.asset.id.clone();
        match self.key {
            "check" => pairs.sort_by_cached_key(|pair| pair.of(plan).1.check.id.clone()),
            "zone" => pairs.sort_by_cached_key(|pair| plan.asset(pair.asset).member.asset.zone.clone()),
            "severity" => pairs.sort_by_key(|pair| (pair.of(plan).1.check.severity, pair.cell.map(|cell| cell.since))),
            "since" => pairs.sort_by_key(|pair| pair.cell.map(|cell| cell.since)),
            "at" => pairs.sort_by_key(|pair| pair.cell.map(|cell| cell.at)),
            _ => pairs.sort_by_cached_key(id),
        }
        if self.falling {
            pairs.reverse();
        }
    }
}

impl Wanted {
    pub(in crate::api) fn take(query: &mut Query) -> Result<Self, Refusal> {
        let causes: Vec<_> = Cause::ALL.iter().map(|cause| cause.word()).collect();
        Ok(Self {
            asset: query.text("asset"),
            check: query.text("check"),
            zone: query.text("zone"),
            states: query.states()?,
            causes: query.words("cause", &causes)?,
            severities: query.severities()?,
        })
    }

    /// The pairs that are meant, in the order of the plan.
    pub(in crate::api) fn find(&self, board: &Board) -> Result<Vec<Pair>, Refusal> {
        let plan = &board.plan;
        if let Some(zone) = self.zone.as_ref().filter(|zone| !board.zones.contains_key(zone.as_str())) {
            return Err(stranger("zone", zone, board.zones.keys().map(ZoneId::as_str)));
        }
        let asset = match &self.asset {
            Some(asset) => Some(plan.find(asset).ok_or_else(|| {
                stranger("asset", asset, plan.assets.iter().map(|planned| planned.member.asset.id.as_str()))
            })?),
            None => None,
        };
        let is_meant = |pair: &Pair| {
            let (planned, one) = pair.of(plan);
            self.check.as_ref().is_none_or(|check| one.check.id.as_str() == check)
                && self.zone.as_ref().is_none_or(|zone| planned.member.asset.zone.as_str() == zone)
                && (self.states.is_empty() || self.states.contains(&pair.state()))
                && (self.causes.is_empty() || pair.cause().is_some_and(|cause| self.causes.contains(&cause.word())))
                && (self.severities.is_empty() || self.severities.contains(&one.check.severity))
        };
        Ok(match asset {
            Some(at) => board.pairs_of(at).filter(is_meant).collect(),
            None => board.pairs().filter(is_meant).collect(),
        })
    }
}

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let (wanted, order, page) = (Wanted::take(&mut query)?, Order::take(&mut query)?, query.page()?);
    query.finish()?;
    let view = view(&inner)?;
    if let Some(check) = wanted.check.as_ref().filter(|check| !view.catalog.checks.contains_key(check.as_str())) {
        return Err(stranger("check", check, view.catalog.checks.keys().map(CheckId::as_str)));
    }
    let (mut pairs, plan) = {
        let board = inner.desk.board.read();
        (wanted.find(&board)?, Arc::clone(&board.plan))
    };
    order.sort(&plan, &mut pairs);
    let shown = entries(&inner, &plan, page.of(&pairs)).await?;
    Ok(paged("results", shown.iter().map(|entry| json!(entry)).collect(), pairs.len(), page))
}

/// A pair that a path names.
pub(in crate::api) fn pair(inner: &Inner, asset: &str, check: &str) -> Result<(Arc<Plan>, Pair), Refusal> {
    let board = inner.desk.board.read();
    let at = super::assets::find(&board.plan, asset)?;
    let place = board.plan.asset(at).check(check);
    let found = place.and_then(|place| board.pairs_of(at).nth(usize::from(place)));
    let found = found.ok_or_else(|| Refusal::NotFound(format!("no check {check:?} concerns {asset}")))?;
    Ok((Arc::clone(&board.plan), found))
}

fn full(plan: &Plan, pair: &Pair, stored: Stored) -> Full {
    let (planned, one) = pair.of(plan);
    let entry = Entry::new(planned, one, pair, Some(&stored));
    let (result, first_at, times) = (stored.result, stored.first_at, stored.times);
    let judgement = result.judgement;
    Full {
        entry,
        check_version: result.check_version,
        first_at,
        times,
        observed: judgement.observed,
        expected: judgement.expected,
        params: judgement.params,
        evidence: result.evidence,
        duration_ms: result.duration_ms,
    }
}

pub(super) async fn show(State(inner): Shared, Path((asset, check)): Path<(String, String)>, query: Query) -> Answer {
    query.finish()?;
    let (plan, pair) = pair(&inner, &asset, &check)?;
    let (planned, one) = pair.of(&plan);
    let wanted = vec![(planned.member.asset.id.clone(), one.check.id.clone())];
    let stored = inner.desk.store.judgements(wanted).await?.pop();
    let stored = stored.ok_or_else(|| Refusal::NotFound(format!("{check} was not judged on {asset} yet")))?;
    Ok(Json(json!(full(&plan, &pair, stored))))
}

pub(super) async fn evidence(
    State(inner): Shared,
    Path((asset, check)): Path<(String, String)>,
    mut query: Query,
) -> Answer {
    let limit = query.limit(HISTORY)?;
    query.finish()?;
    let (plan, pair) = pair(&inner, &asset, &check)?;
    let (planned, one) = pair.of(&plan);
    let stored = inner.desk.store.evidence(&planned.member.asset.id, &one.check.id, limit).await?;
    let judgements: Vec<Full> = stored.into_iter().map(|stored| full(&plan, &pair, stored)).collect();
    Ok(Json(json!({ "asset": asset, "check": check, "judgements": judgements })))
}
