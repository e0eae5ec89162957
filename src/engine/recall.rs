//! What the store remembers, for facts that are computed from the monitor's own work.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::plan::{FactIndex, PlannedAsset, PlannedFact};
use crate::catalog::{Derived, Question};
use crate::model::{Asset, AssetId, Cause, CheckId, FactId, Missing, Sample, Time, Verdict};
use crate::store::{Latest, Store, StoreError};

/// What was judged so far.
#[derive(Debug, Default)]
pub(super) struct Recall {
    /// The state of every pair.
    pub(super) latest: Vec<Latest>,
    /// Since when each asset is watched; only for [`Derived::Presence`].
    pub(super) watched: HashMap<AssetId, Time>,
    /// When each asset was last judged by what it answered; only for [`Derived::Presence`].
    pub(super) heard: BTreeMap<AssetId, Time>,
}

impl Recall {
    /// Reads it, where one of these facts needs it. A store that does not last knows only of this round, which says nothing of
    /// a daemon: then it is missing.
    pub(super) async fn read(
        store: &dyn Store,
        planned: &PlannedAsset,
        facts: &[FactIndex],
        now: Time,
    ) -> Option<Result<Self, Missing>> {
        let facts = || facts.iter().map(|at| &planned.facts[usize::from(*at)]);
        let any = facts().find(|fact| fact.question.reads_judgements())?;
        let is_presence = |fact: &&PlannedFact| matches!(&*fact.question, Question::Derived(Derived::Presence(_)));
        let presence = facts().find(is_presence).map(|fact| &fact.fact.id);
        let recalled = Self::of(store, planned, &any.fact.id, presence, now).await;
        Some(
            recalled.map_err(|error| {
                Missing::new(Cause::Internal, format!("the store cannot say what was judged: {error}"))
            }),
        )
    }

    async fn of(
        store: &dyn Store,
        planned: &PlannedAsset,
        any: &FactId,
        presence: Option<&FactId>,
        now: Time,
    ) -> Result<Self, StoreError> {
        let own = &planned.member.asset.id;
        store.first_seen(own, any, vec!["start".into()], now).await?;
        let mut recall = Self { latest: store.latest().await?, ..Self::default() };
        if let (Some(fact), Some(register)) = (presence, &planned.register) {
            recall.watched = watched(store, own, fact, register, now).await?;
            recall.heard = heard(&recall.latest, &planned.asking);
            recall.remember(store, own, fact, register, now).await?;
        }
        Ok(recall)
    }

    /// Adds when devices were heard that give no answer now, and keeps the times for the next visit: the latest verdict of a
    /// device that has fallen silent no longer tells.
    async fn remember(
        &mut self,
        store: &dyn Store,
        own: &AssetId,
        fact: &FactId,
        register: &[Arc<Asset>],
        now: Time,
    ) -> Result<(), StoreError> {
        for sample in store.samples(own, fact, now).await? {
            for (asset, seconds) in &sample.numbers {
                let (Ok(asset), Some(at)) = (AssetId::parse(asset), Time::from_timestamp(*seconds, 0)) else {
                    continue;
                };
                let known = self.heard.entry(asset).or_insert(at);
                *known = at.max(*known);
            }
        }
        let listed: BTreeSet<&AssetId> = register.iter().map(|asset| &asset.id).collect();
        self.heard.retain(|asset, at| listed.contains(asset) && *at <= now);
        let numbers = self.heard.iter().map(|(asset, at)| (Arc::from(asset.as_str()), at.timestamp())).collect();
        store.keep_sample(own, fact, Sample { at: now, numbers }, now, false).await
    }
}

async fn watched(
    store: &dyn Store,
    own: &AssetId,
    fact: &FactId,
    register: &[Arc<Asset>],
    now: Time,
) -> Result<HashMap<AssetId, Time>, StoreError> {
    let ids = register.iter().map(|asset| asset.id.to_string()).collect();
    let since = store.first_seen(own, fact, ids, now).await?;
    Ok(register.iter().map(|asset| asset.id.clone()).zip(since).collect())
}

/// When each asset was last judged by a check that asks it something.
fn heard(latest: &[Latest], asking: &BTreeSet<CheckId>) -> BTreeMap<AssetId, Time> {
    let mut heard: BTreeMap<AssetId, Time> = BTreeMap::new();
    for one in latest.iter().filter(|one| asking.contains(&one.check) && rests_on_an_answer(one.verdict)) {
        let known = heard.entry(one.asset.clone()).or_insert(one.at);
        *known = one.at.max(*known);
    }
    heard
}

/// Whether somebody must have answered for it. What does not concern an asset may be known from its entry alone.
pub(super) const fn rests_on_an_answer(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail | Verdict::Waived)
}
