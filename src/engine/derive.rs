//! Facts that are computed: nothing is sent for them.

use std::collections::{BTreeMap, BTreeSet};

use super::device;
use crate::catalog::Derived;
use crate::feeds::{Lifecycle, Phase};
use crate::model::{Asset, Cause, FactId, Reading, Time, Value};

/// What there is to compute from.
pub(super) struct Sources<'a> {
    /// The facts that the derived one names.
    pub(super) facts: BTreeMap<FactId, Reading>,
    /// Those of them that the asset was asked for; the others cannot be asked at all.
    pub(super) asked: BTreeSet<FactId>,
    /// The asset.
    pub(super) asset: &'a Asset,
    /// Support periods.
    pub(super) lifecycle: &'a Lifecycle,
    /// The time.
    pub(super) now: Time,
}

/// Computes one fact.
#[must_use]
pub(super) fn derive(derivation: &Derived, sources: &Sources<'_>) -> Reading {
    match derivation {
        Derived::Lifecycle(from) => match sources.facts.get(from) {
            Some(Reading::Known(release)) => lifecycle(release, sources),
            Some(other) => other.clone(),
            None => Reading::missing(Cause::NoData, format!("{from} was not read")),
        },
        Derived::Device(names) => device::device(names, sources),
        Derived::Attestation(_) => Reading::missing(Cause::NoData, "no attestation is on file"),
    }
}

/// Support dates of the system that os-release names.
fn lifecycle(release: &Value, sources: &Sources<'_>) -> Reading {
    let text = |key: &str| {
        let value = release.get(key).or_else(|| release.get(&key.to_ascii_lowercase()))?;
        Some(value.to_string())
    };
    let Some(version) = text("VERSION_ID") else {
        return Reading::missing(
            Cause::NoData,
            "os-release names no VERSION_ID: a rolling or unknown system has no support date",
        );
    };
    let names: Vec<String> = ["NAME", "ID"].iter().filter_map(|key| text(key)).collect();
    let Some((product, cycle)) = names.iter().find_map(|name| sources.lifecycle.find(name, &version)) else {
        let who = names.last().map_or("this system", String::as_str);
        let advice = "import a newer lifecycle table";
        return Reading::missing(Cause::NoData, format!("the lifecycle table does not know {who} {version}; {advice}"));
    };
    let Some(ended) = cycle.eol.has_ended(sources.now) else {
        return Reading::missing(
            Cause::NoData,
            format!("the lifecycle table gives no end of support for {product} {}", cycle.name),
        );
    };
    let mut fields =
        vec![("product", Value::text(product)), ("cycle", Value::text(&cycle.name)), ("is_eol", Value::Bool(ended))];
    for (day, days, phase) in [("eol", "eol_days", cycle.eol), ("eoes", "eoes_days", cycle.eoes)] {
        if let (Phase::Ends(date), Some(left)) = (phase, phase.days_left(sources.now)) {
            fields.push((day, Value::text(date.to_string())));
            fields.push((days, Value::Float(left)));
        }
    }
    if let Some(made) = sources.lifecycle.generated_at() {
        fields.push(("table_date", Value::text(made.to_rfc3339())));
    }
    Reading::Known(Value::map(fields))
}
