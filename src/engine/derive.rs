//! Facts that are computed: nothing is sent for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::health::health;
use super::matrix;
use super::recall::Recall;
use super::register::register;
use super::restart::restart;
use super::{advisories, copies, device, presence};
use crate::catalog::{Derived, first_of};
use crate::duties::{self, Book};
use crate::feeds::{Lifecycle, Phase, Shelf};
use crate::inventory::Zoning;
use crate::model::{Asset, Cause, CheckId, FactId, Missing, Reading, Time, Value, Window};

/// What there is to compute from.
pub(super) struct Sources<'a> {
    /// The facts that the derived one names.
    pub(super) facts: BTreeMap<FactId, Reading>,
    /// Those of them that the asset was asked for; the others cannot be asked at all.
    pub(super) asked: BTreeSet<FactId>,
    /// The asset.
    pub(super) asset: &'a Asset,
    /// Windows that concern the asset.
    pub(super) windows: &'a [Window],
    /// Zones, conduits and vantages.
    pub(super) zoning: &'a Zoning,
    /// Support periods.
    pub(super) lifecycle: &'a Lifecycle,
    /// What was carried in from outside.
    pub(super) carried: &'a Shelf,
    /// All assets, where the asset stands for the whole organisation.
    pub(super) register: Option<&'a [Arc<Asset>]>,
    /// Checks for which assets are asked something, of the whole catalogue.
    pub(super) asking: &'a BTreeSet<CheckId>,
    /// Checks that are stale when what was carried in is.
    pub(super) dated: &'a BTreeSet<CheckId>,
    /// What was judged so far, where one of the facts is computed from it.
    pub(super) recall: Option<&'a Result<Recall, Missing>>,
    /// What people signed and owe.
    pub(super) book: &'a Book,
    /// The time.
    pub(super) now: Time,
}

impl Sources<'_> {
    /// What is computed from a fact; one that is not known is passed on with its cause.
    pub(super) fn of(&self, from: &FactId, compute: impl FnOnce(&Value) -> Reading) -> Reading {
        match self.facts.get(from) {
            Some(Reading::Known(value)) => compute(value),
            Some(other) => other.clone(),
            None => Reading::missing(Cause::NoData, format!("{from} was not read")),
        }
    }

    /// What is computed from all assets.
    fn over_all(&self, compute: impl FnOnce(&[Arc<Asset>]) -> Reading) -> Reading {
        match self.register {
            Some(assets) => compute(assets),
            None => Reading::missing(Cause::NoData, "only an asset of the kind org stands for the whole inventory"),
        }
    }

    /// What is computed from the judgements so far.
    fn over_judgements(&self, compute: impl FnOnce(&Recall) -> Reading) -> Reading {
        match self.recall {
            Some(Ok(recall)) => compute(recall),
            Some(Err(missing)) => Reading::Missing(missing.clone()),
            None => Reading::missing(Cause::NoData, "no judgements were read"),
        }
    }
}

/// Computes one fact.
#[must_use]
pub(super) fn derive(derivation: &Derived, sources: &Sources<'_>) -> Reading {
    match derivation {
        Derived::Lifecycle(from) => sources.of(from, |release| lifecycle(release, sources)),
        Derived::Restart(from) => sources.of(from, |clocks| restart(clocks, sources.windows, sources.now)),
        Derived::Register(wanted) => sources.over_all(|assets| register(wanted, assets.iter().map(|asset| &**asset))),
        Derived::Health(_) => sources.over_judgements(|recall| health(sources, &recall.latest)),
        Derived::Presence(limits) => sources
            .over_all(|assets| sources.over_judgements(|recall| presence::presence(limits, assets, recall, sources))),
        Derived::Partner(_) => sources.over_judgements(|recall| presence::partner(&recall.latest, sources)),
        Derived::Copies(which) => sources.over_all(|assets| {
            sources.over_judgements(|recall| copies::copies(which, assets, &recall.latest, sources))
        }),
        Derived::FirstOf(facts) => first_of(facts.iter().filter_map(|fact| sources.facts.get(fact))),
        Derived::Matrix(from) => sources.of(from, |reached| matrix::matrix(reached, sources)),
        Derived::Proof(from) => sources.of(from, matrix::proof),
        Derived::Zone(_) => matrix::zone(sources),
        Derived::Advisories(from) => advisories::advisories(from, sources),
        Derived::Firmware(from) => advisories::firmware(from, sources),
        Derived::Feeds(_) => advisories::freshness(sources),
        Derived::Device(names) => device::device(names, sources),
        Derived::Attestation(_) | Derived::Duty(_) => {
            let answer = duties::answer(derivation, sources.asset, sources.book, sources.lifecycle, sources.now);
            answer.unwrap_or_else(|| Reading::missing(Cause::Internal, "nobody answers this derived question"))
        }
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
            fields.push((days, Value::Float(left.floor())));
        }
    }
    if let Some(made) = sources.lifecycle.generated_at() {
        fields.push(("table_date", Value::text(made.to_rfc3339())));
    }
    Reading::Known(Value::map(fields))
}
