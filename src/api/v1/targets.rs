//! The inventory as a target list of Prometheus (`http_sd`), so that other exporters watch what is watched here.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::assets::Wanted;
use super::{Answer, Query, view};
use crate::api::router::Shared;
use crate::model::Asset;

/// What stands before every label.
const PREFIX: &str = "__meta_nis2watch_";

/// The list in full, as the format wants it; only assets with an address are targets.
pub(super) async fn list(State(inner): Shared, mut query: Query) -> Answer {
    let wanted = Wanted::take(&mut query)?;
    query.finish()?;
    view(&inner)?;
    let board = inner.desk.board.read();
    let found = wanted.find(&board)?;
    let groups = found.iter().filter_map(|at| group(&board.plan.asset(*at).member.asset));
    Ok(Json(Value::Array(groups.collect())))
}

fn group(asset: &Asset) -> Option<Value> {
    let address = asset.address.as_deref()?;
    let own = [
        ("asset", Some(asset.id.as_str())),
        ("zone", Some(asset.zone.as_str())),
        ("kind", Some(asset.kind.word())),
        ("criticality", Some(asset.criticality.word())),
        ("site", asset.site.as_deref()),
        ("owner", asset.owner.as_deref()),
        ("vendor", asset.vendor.as_deref()),
    ];
    let own = own.into_iter().filter_map(|(name, value)| Some((format!("{PREFIX}{name}"), json!(value?))));
    let labels = asset.labels.iter().map(|(name, value)| (format!("{PREFIX}label_{}", label(name)), json!(&**value)));
    Some(json!({ "targets": [address], "labels": own.chain(labels).collect::<Map<_, _>>() }))
}

/// A name that Prometheus takes as a label.
fn label(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
