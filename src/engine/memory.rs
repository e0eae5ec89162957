//! Rows that remember when they were first seen, for ages that no device reports.

use std::sync::Arc;

use crate::model::{AssetId, Cause, FactId, Reading, Time, Value};
use crate::store::Store;

/// Which fields tell one row from another.
pub type Keys = [Arc<str>];

/// Adds `first_seen` (RFC 3339) and `age_days` to each row of a fact: of the list itself, or of its `rows`.
///
/// When the store cannot say, the fact is missing: an age of zero would be a guess in the asset's favour.
pub async fn remember(store: &dyn Store, asset: &AssetId, fact: &FactId, keys: &Keys, reading: Reading, now: Time) -> Reading {
    let Reading::Known(value) = &reading else { return reading };
    let Some(rows) = value.as_list().or_else(|| value.get("rows")?.as_list()) else { return reading };
    let names: Vec<_> = rows.iter().map(|row| key(row, keys)).collect();
    match store.first_seen(asset, fact, names, now).await {
        Ok(times) => {
            let aged = Value::list(rows.iter().zip(times).map(|(row, first)| aged(row, first, now)));
            Reading::Known(match value.as_map() {
                Some(fields) => {
                    let mut fields = fields.clone();
                    fields.insert(Arc::from("rows"), aged);
                    Value::Map(Arc::new(fields))
                }
                None => aged,
            })
        }
        Err(error) => Reading::missing(Cause::Internal, format!("the store cannot say since when: {error}")),
    }
}

fn key(row: &Value, keys: &Keys) -> String {
    keys.iter().map(|field| row.get(field).map(ToString::to_string).unwrap_or_default()).collect::<Vec<_>>().join("\u{1f}")
}

fn aged(row: &Value, first: Time, now: Time) -> Value {
    let Some(fields) = row.as_map() else { return row.clone() };
    let mut fields = fields.clone();
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few centuries fit 53 bits")]
    let age = (now - first).num_seconds().max(0) as f64 / 86_400.0;
    fields.insert(Arc::from("first_seen"), Value::text(first.to_rfc3339()));
    fields.insert(Arc::from("age_days"), Value::Float(age));
    Value::Map(Arc::new(fields))
}
