//! What is shown otherwise though nobody looked again: waivers begin, end and are suspended, approvals come and go.

use std::collections::HashMap;
use std::sync::Arc;

use tracing::error;

use super::{Done, Life};
use crate::engine::netting::{netted, renetted};
use crate::engine::{AssetIndex, CheckIndex, drift};
use crate::model::{AssetId, CheckId, CheckResult, Time, Verdict};
use crate::store::{Filter, Seen, Sighting, StoreError};

impl Life {
    /// Lays waivers over the fails of a batch. What is to make up for them counts as just found, else as last shown.
    pub(super) fn net(&self, visits: &mut [Done], now: Time) {
        let book = self.daemon.visitor.book.load_full();
        if book.waivers().is_empty() {
            return;
        }
        let results = visits.iter().filter_map(|done| done.visit.as_ref()).flat_map(|visit| &visit.results);
        let pair = |result: &CheckResult| ((result.asset.clone(), result.check.clone()), result.judgement.verdict);
        let found: HashMap<(AssetId, CheckId), Verdict> = results.map(pair).collect();
        let verdict_of = |asset: &AssetId, check: &CheckId| {
            found.get(&(asset.clone(), check.clone())).copied().or_else(|| self.verdict_of(asset, check))
        };
        for result in visits.iter_mut().filter_map(|done| done.visit.as_mut()).flat_map(|visit| &mut visit.results) {
            if let Some(shown) = netted(&self.daemon.plan, &book, result, &verdict_of, now) {
                *result = shown;
            }
        }
    }

    /// How a pair was last shown.
    fn verdict_of(&self, asset: &AssetId, check: &CheckId) -> Option<Verdict> {
        let at = self.daemon.plan.find(asset.as_str())?;
        let check = self.daemon.plan.asset(at).check(check.as_str())?;
        self.states.get(&(at, check)).map(|state| state.verdict)
    }

    /// Waivers begin, end, and are suspended while no visit runs: what that changes is shown within a minute, without
    /// asking the asset again.
    pub(super) async fn renet(&mut self) -> Result<(), StoreError> {
        let (book, plan, now) = (self.daemon.visitor.book.load_full(), Arc::clone(&self.daemon.plan), self.now());
        let mut meant = Vec::new();
        for (&(asset, check), state) in &self.states {
            let planned = plan.asset(asset);
            let is_meant = match state.verdict {
                Verdict::Waived => true,
                Verdict::Fail => {
                    book.waivers().mean(&planned.member.asset, &planned.checks[usize::from(check)].check.id)
                }
                _ => false,
            };
            if is_meant && !self.schedule.is_busy(asset) {
                meant.push((asset, check, state.at));
            }
        }
        let mut changed = Vec::new();
        for (asset, check, judged_at) in meant {
            let planned = plan.asset(asset);
            let filter = Filter {
                asset: Some(planned.member.asset.id.clone()),
                check: Some(planned.checks[usize::from(check)].check.id.clone()),
                ..Filter::default()
            };
            let stored = match self.daemon.store.results(filter, 1).await {
                Ok(mut stored) => stored.pop(),
                Err(StoreError::Stopped) => return Err(StoreError::Stopped),
                Err(error) => {
                    error!(%error, "cannot look whether a waiver still holds");
                    None
                }
            };
            let shown = stored.and_then(|stored| {
                renetted(&plan, &book, &stored.result, &|asset, check| self.verdict_of(asset, check), now)
            });
            changed.extend(shown.map(|shown| (asset, check, judged_at, shown)));
        }
        self.show_again(changed, Vec::new()).await
    }

    /// Approvals come and end, changes are announced and windows open while no visit runs: what that makes of a difference is
    /// shown within a minute, without asking the asset again.
    pub(super) async fn compare_again(&mut self) -> Result<(), StoreError> {
        let (book, plan, now) = (self.daemon.visitor.book.load_full(), Arc::clone(&self.daemon.plan), self.now());
        let again = drift::again(&*self.daemon.store, &plan, &|asset| self.schedule.is_busy(asset), now).await;
        let again = match again {
            Ok(again) => again,
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(error) => {
                error!(%error, "cannot look how baselines stand");
                return Ok(());
            }
        };
        let (mut changed, mut sightings) = (Vec::new(), Vec::new());
        for one in again {
            sightings.push(one.sighting);
            let Some(state) = self.states.get(&(one.asset, one.check)) else { continue };
            let judged_at = state.at;
            let verdict_of = |asset: &AssetId, check: &CheckId| self.verdict_of(asset, check);
            let shown = netted(&plan, &book, &one.result, &verdict_of, now).unwrap_or(one.result);
            if shown.judgement != one.stored.judgement {
                changed.push((one.asset, one.check, judged_at, CheckResult { at: now, ..shown }));
            }
        }
        self.show_again(changed, sightings).await
    }

    /// Records and tells what is shown otherwise though nobody looked again: the judgements are as old as they were.
    async fn show_again(
        &mut self,
        changed: Vec<(AssetIndex, CheckIndex, Time, CheckResult)>,
        sightings: Vec<Sighting>,
    ) -> Result<(), StoreError> {
        if changed.is_empty() && sightings.is_empty() {
            return Ok(());
        }
        let results = changed.iter().map(|(.., shown)| shown.clone()).collect();
        match self.daemon.store.record_all(vec![Seen { results, sightings, visit: None }]).await {
            Ok(transitions) => {
                let plan = Arc::clone(&self.daemon.plan);
                for (asset, check, judged_at, shown) in changed {
                    self.publish(asset, plan.asset(asset), &[shown]);
                    if let Some(state) = self.states.get_mut(&(asset, check)) {
                        state.at = judged_at;
                    }
                }
                self.publish_transitions(&transitions);
            }
            Err(StoreError::Stopped) => return Err(StoreError::Stopped),
            Err(error) => error!(%error, "cannot record what a waiver or a baseline changes"),
        }
        Ok(())
    }
}
