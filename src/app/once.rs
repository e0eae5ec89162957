//! One round by hand: the same visits as the daemon's, asked for on the command line.
//!
//! What is seen goes into the store when nobody else writes it. Beside a running daemon only assets that tolerate it
//! are asked, because the daemon keeps the gates of the fragile ones and this process does not know their books; for
//! those, the daemon's own last verdicts are shown.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Utc;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::deputy::STOPPED;
use super::targets::Targets;
use super::{Plant, Setup, Shared, round};
use crate::duties::{self, Book};
use crate::engine::{self, CheckIndex, Netting, PlannedAsset, Visit, Visitor};
use crate::model::{AssetId, Problems};
use crate::store::{self, Filter, Sqlite, Store, StoreError};

/// Visits that ended together are written together, for one wait on the disk.
const TOGETHER: usize = 64;

/// Why a round could not begin, or what it saw could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnceError {
    /// The store is there and cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Target lists have mistakes.
    #[error("{0}")]
    Files(Problems),
}

/// What becomes of what is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It goes into the store.
    Written,
    /// A daemon writes the store; what is seen is shown and not kept.
    Beside(String),
    /// There is no store that could be opened; ages cannot be known.
    Nowhere(String),
}

/// A plant that can be visited by hand.
pub struct Once {
    /// The plant.
    pub plant: Plant,
    /// Asks and judges.
    pub visitor: Visitor,
    /// What becomes of what is seen.
    pub kept: Kept,
    in_flight: usize,
}

impl Once {
    /// Opens the store as far as it lets us and fetches target lists; asks no asset.
    ///
    /// # Errors
    ///
    /// A store that is damaged or of another format; target lists with mistakes.
    pub async fn open(setup: &Setup) -> Result<Self, OnceError> {
        let (store, kept) = tokio::task::block_in_place(|| open_store(&setup.loaded.config.store))?;
        let clock = Utc::now;
        let shared = Shared::new(&store, clock);
        if store.flag(STOPPED).await? {
            shared.switch.turn_off();
        }
        let mut targets = Targets::default();
        targets.settle(setup).await;
        let (inventory, papers) =
            setup.loaded.with_targets(&targets.fetched, &setup.catalog).map_err(OnceError::Files)?;
        let book = Book::new(papers, &store.acts(0).await?, duties::Plant::new(&inventory, &setup.catalog));
        let plant = Plant::new(&setup.catalog, &inventory, &setup.loaded.schedules, &shared, None);
        let visitor = Visitor::new(store, Arc::clone(&setup.loaded.lifecycle), clock);
        visitor.take_shelf(Arc::clone(&setup.loaded.carried), &setup.loaded.lifecycle);
        visitor.book.store(Arc::new(book));
        Ok(Self { plant, visitor, kept, in_flight: setup.loaded.config.limits.visits_in_flight as usize })
    }

    /// Whether this process may speak to an asset.
    #[must_use]
    pub fn may_ask(&self, planned: &PlannedAsset) -> bool {
        !(planned.member.fragile && matches!(self.kept, Kept::Beside(_)))
    }

    /// Visits once and keeps what is seen; `ended` is told after each visit. When `stop` is cancelled, visits that run
    /// are given up; what would have been asked is then unknown, and that is not kept.
    ///
    /// # Errors
    ///
    /// The store took or gave something it should not have refused.
    pub async fn round(
        &self,
        wanted: impl Fn(&PlannedAsset) -> Vec<CheckIndex>,
        mut ended: impl FnMut(&AssetId),
        stop: &CancellationToken,
    ) -> Result<Vec<Visit>, OnceError> {
        let mut visits = Vec::new();
        for planned in self.plant.plan.assets.iter().filter(|planned| !self.may_ask(planned)) {
            let due = wanted(planned);
            if !due.is_empty() {
                visits.push(self.remembered(planned, &due).await?);
                ended(&planned.member.asset.id);
            }
        }
        let wanted = |planned: &PlannedAsset| if self.may_ask(planned) { wanted(planned) } else { Vec::new() };
        let (mut netting, mut held) = (self.netting().await?, Vec::new());
        let mut running = round(&self.plant, &self.visitor, self.in_flight, &wanted).ready_chunks(TOGETHER);
        while let Some(Some(asked)) = stop.run_until_cancelled(running.next()).await {
            for visit in &asked {
                netting.note(&visit.results);
                visit.results.first().into_iter().for_each(|result| ended(&result.asset));
            }
            // whether a fail is waived may hang on a check of another asset, whose turn is still to come
            let (later, now): (Vec<_>, Vec<_>) = asked.into_iter().partition(|visit| netting.concerns(visit));
            held.extend(later);
            visits.extend(self.keep(now).await?);
        }
        for visit in &mut held {
            netting.net(visit, (self.visitor.clock)());
        }
        visits.extend(self.keep(held).await?);
        if stop.is_cancelled() {
            visits.extend(self.cut_short(&visits, wanted));
        }
        Ok(visits)
    }

    /// What was wanted and did not come about before the end.
    fn cut_short(&self, visits: &[Visit], wanted: impl Fn(&PlannedAsset) -> Vec<CheckIndex>) -> Vec<Visit> {
        let visited: BTreeSet<&AssetId> =
            visits.iter().filter_map(|visit| visit.results.first()).map(|result| &result.asset).collect();
        let missing = self.plant.plan.assets.iter().filter(|planned| !visited.contains(&planned.member.asset.id));
        let now = (self.visitor.clock)();
        let cut = |planned: &PlannedAsset| {
            let results: Vec<_> = wanted(planned).into_iter().map(|at| engine::cut_short(planned, at, now)).collect();
            (!results.is_empty()).then(|| Visit::of_results(results, now))
        };
        missing.filter_map(cut).collect()
    }

    /// Writes visits where this round is written.
    async fn keep(&self, visits: Vec<Visit>) -> Result<Vec<Visit>, OnceError> {
        if self.kept == Kept::Written && !visits.is_empty() {
            self.visitor.store.record_all(visits.iter().map(Visit::seen).collect()).await?;
        }
        Ok(visits)
    }

    /// The waivers, and how pairs stood before this round.
    async fn netting(&self) -> Result<Netting, OnceError> {
        let mut netting = Netting::new(Arc::clone(&self.plant.plan), self.visitor.book.load_full());
        if !netting.is_idle() {
            netting.remember(self.visitor.store.latest().await?, (self.visitor.clock)());
        }
        Ok(netting)
    }

    /// What the daemon beside us last judged of an asset that only it may ask.
    async fn remembered(&self, planned: &PlannedAsset, due: &[CheckIndex]) -> Result<Visit, OnceError> {
        let id = &planned.member.asset.id;
        let filter = Filter { asset: Some(id.clone()), ..Filter::default() };
        let stored = self.visitor.store.results(filter, planned.checks.len()).await?;
        let results = due.iter().map(|at| {
            let check = &planned.checks[usize::from(*at)].check.id;
            let last = stored.iter().find(|stored| stored.result.check == *check);
            last.map_or_else(|| engine::left_to_daemon(planned, *at, Utc::now()), |stored| stored.result.clone())
        });
        Ok(Visit::of_results(results.collect(), Utc::now()))
    }
}

fn open_store(config: &store::Config) -> Result<(Arc<dyn Store>, Kept), StoreError> {
    match Sqlite::open(config) {
        Ok(store) => Ok((Arc::new(store), Kept::Written)),
        Err(StoreError::InUse { holder, .. }) => Ok((Arc::new(Sqlite::open_read_only(config)?), Kept::Beside(holder))),
        Err(error @ StoreError::File { .. }) => {
            Ok((Arc::new(Sqlite::for_one_round()?), Kept::Nowhere(error.to_string())))
        }
        Err(error) => Err(error),
    }
}
