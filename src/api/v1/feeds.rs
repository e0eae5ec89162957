//! What was carried in from outside, and whether checks may rest on it.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use serde_json::{Value, json};

use super::{Answer, Query};
use crate::api::router::Shared;
use crate::feeds::{Kind, Shelf, Source};
use crate::model::Time;

/// Files of a kind that are named; the digest stands for all of them.
const NAMED: usize = 20;
/// Refused files that are named.
const REFUSED: usize = 100;

pub(super) async fn list(State(inner): Shared, query: Query) -> Answer {
    query.finish()?;
    let (carried, now) = (inner.desk.operator.carried(), Utc::now());
    let feeds: Vec<Value> = Kind::ALL.iter().map(|kind| feed(&carried, *kind, now)).collect();
    let refused = carried.refused.iter().take(REFUSED).map(|one| {
        let name = one.file.file_name().map(|name| name.to_string_lossy().into_owned());
        json!({ "name": name, "kind": one.kind, "reason": one.why })
    });
    Ok(Json(json!({
        "folder_kept": carried.is_kept, "feeds": feeds, "refused": refused.collect::<Vec<_>>(),
        "refused_total": carried.refused.len(), "drafts": carried.drafts,
    })))
}

fn feed(carried: &Shelf, kind: Kind, now: Time) -> Value {
    let date = carried.date(kind);
    let file = |source: &Source| json!({ "name": source.name, "sha256": source.sha256, "date": source.date, "entries": source.entries });
    json!({
        "kind": kind, "name": kind.title(), "state": carried.state(kind, now).word(), "reason": carried.trouble(kind, now),
        "date": date, "age_seconds": date.map(|date| (now - date).num_seconds()),
        "limit_seconds": carried.limit(kind).as_secs(), "entries": carried.entries(kind),
        "imported_at": carried.imports.get(&kind).map(|import| import.at),
        "files_total": carried.sources(kind).count(), "sha256": carried.digest(kind),
        "files": carried.sources(kind).take(NAMED).map(file).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crate::api::WebConfig;
    use crate::api::tests::{Daemon, Setup};
    use crate::api::v1::tests::get;
    use crate::feeds::Shelf;

    #[tokio::test]
    async fn a_feed_tells_its_state_why_and_what_it_was_read_from() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/feeds/samples");
        let carried = Arc::new(Shelf::load(&folder, &[].into()).unwrap());
        let setup = Setup::new(Daemon { carried, ..Daemon::default() }, "127.0.0.1", &WebConfig::default());
        let (_, answer) = get(&setup, "/feeds").await;
        let kev = answer["feeds"].as_array().unwrap().iter().find(|feed| feed["kind"] == "kev").unwrap();
        // its date lies in another century
        assert_eq!((kev["state"].as_str(), kev["entries"].as_u64()), (Some("broken"), Some(2)));
        assert!(kev["reason"].as_str().unwrap().contains("future"), "{kev}");
        assert_eq!(
            (kev["files"][0]["name"].as_str(), kev["files"][0]["sha256"].as_str().unwrap().len()),
            (Some("kev.json"), 64)
        );
        let (_, page) = setup.send("GET", "/feeds", &[]).await;
        assert!(page.contains("kev.json") && page.contains("future") && page.contains("state fail"), "{page}");
    }
}
