//! The checks: what is required, why, and what to do about it.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::status::states;
use super::{Answer, Query, Refusal, paged, view};
use crate::api::router::Shared;
use crate::api::{State as Board, Tally};
use crate::catalog::{Catalog, Check};
use crate::model::CheckId;

/// How the pairs of every check stand.
pub(in crate::api) fn tallies(board: &Board) -> HashMap<&str, Tally> {
    let mut all: HashMap<&str, Tally> = HashMap::new();
    for pair in board.pairs() {
        let check = &pair.of(&board.plan).1.check;
        all.entry(check.id.as_str()).or_default().add(check.severity, pair.cell.as_ref());
    }
    all
}

pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let (pack, severities) = (query.text("pack"), query.severities()?);
    let page = query.page()?;
    query.finish()?;
    let view = view(&inner)?;
    let board = inner.desk.board.read();
    let tallies = tallies(&board);
    let is_meant = |check: &&std::sync::Arc<Check>| {
        pack.as_ref().is_none_or(|pack| *check.pack == **pack)
            && (severities.is_empty() || severities.contains(&check.severity))
    };
    let found: Vec<_> = view.catalog.checks.values().filter(is_meant).collect();
    let shown = page
        .of(&found)
        .iter()
        .map(|check| summary(&view.catalog, check, &tallies.get(check.id.as_str()).copied().unwrap_or_default()));
    Ok(paged("checks", shown.collect(), found.len(), page))
}

fn summary(catalog: &Catalog, check: &Check, tally: &Tally) -> Value {
    json!({
        "id": check.id, "title": check.title, "pack": &*check.pack, "version": check.version,
        "severity": check.severity, "impact": check.impact, "schedule": check.schedule, "controls": check.controls,
        "attested": catalog.is_attested(check), "fix": check.fix, "states": states(tally),
    })
}

pub(super) async fn show(State(inner): Shared, Path(id): Path<String>, query: Query) -> Answer {
    query.finish()?;
    let view = view(&inner)?;
    let stranger = || Refusal::NotFound(format!("there is no check {id:?}"));
    let check = view.catalog.checks.get(id.as_str()).ok_or_else(stranger)?;
    let tally = tallies(&inner.desk.board.read()).get(id.as_str()).copied().unwrap_or_default();
    let mut shown = summary(&view.catalog, check, &tally);
    let facts: Vec<_> =
        view.catalog.facts_of(check).into_iter().map(|fact| json!({ "id": fact.id, "title": fact.title })).collect();
    let rule: Vec<_> =
        check.sentences.iter().map(|(part, sentence)| json!({ "part": part, "sentence": sentence })).collect();
    let also = json!({
        "rationale": check.rationale, "proves": check.proves, "applies_to": check.applies_to.to_string(),
        "facts": facts, "needs_checks": check.needs_checks.iter().map(CheckId::as_str).collect::<Vec<_>>(),
        "params": check.params, "rule": rule, "origin": &*check.origin,
    });
    if let (Some(shown), Value::Object(also)) = (shown.as_object_mut(), also) {
        shown.extend(also);
    }
    Ok(Json(shown))
}
