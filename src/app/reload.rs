//! How the daemon takes a new configuration or inventory: whole or not at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::Utc;
use tracing::{error, info, warn};

use super::deputy::Wish;
use super::generation::Generation;
use super::pulse::Felt;
use super::service::{RunError, Service};
use super::signals::Told;
use super::{Plant, Setup, systemd};
use crate::api::{Door, View};
use crate::duties::baseline::YEAR;
use crate::duties::{self, Book, Papers};
use crate::inventory::Inventory;
use crate::model::{Problem, Problems};
use crate::output::{Certificates, Scope, Standings};

/// How long a reload waits for the visits under way; a visit has a deadline of its own that is shorter.
const RELOAD_GRACE: Duration = Duration::from_mins(2);

impl Service {
    /// Reloads for everybody who asked so far. [`Told::Stop`] when a wish to stop came meanwhile.
    pub(super) async fn fulfil(&mut self, first: Option<Wish>) -> Result<Told, RunError> {
        let mut wishes: Vec<_> = first.into_iter().collect();
        while let Ok(wish) = self.wishes.try_recv() {
            wishes.push(wish);
        }
        systemd::reloading();
        let outcome = self.reload().await;
        systemd::ready();
        let answer = match &outcome {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(mistakes)) => Err(mistakes.clone()),
            Err(error) => Err(error.to_string()),
        };
        for wish in wishes {
            // whoever asked may have gone
            wish.send(answer.clone()).ok();
        }
        Ok(outcome?.unwrap_or(Told::Reload))
    }

    /// Loads all files again and swaps the plant, or keeps what there is and returns the mistakes.
    async fn reload(&mut self) -> Result<Result<Told, String>, RunError> {
        let before = Arc::clone(&self.setup);
        let loaded = tokio::task::spawn_blocking(move || before.again()).await;
        let setup = match loaded {
            Ok(Ok(setup)) => Arc::new(setup),
            Ok(Err(problems)) => return Ok(Err(self.refuse(&problems))),
            Err(error) => return Ok(Err(self.refuse(&error))),
        };
        self.targets.settle(&setup).await;
        let before = std::mem::replace(&mut self.setup, setup);
        let (inventory, papers) = match self.inventory().await {
            Ok(both) => both,
            Err(problems) => {
                self.setup = before;
                return Ok(Err(self.refuse(&problems)));
            }
        };
        warn_of_restart(&before, &self.setup);
        let door = Door::new(&self.setup.loaded.web_config, &self.setup.loaded.config.access());
        self.door.store(Arc::new(door.after(&self.door.load())));
        let carried = (*self.setup.loaded.carried).clone();
        self.take_shelf(carried);
        let told = self.swap(inventory, papers).await?;
        self.notifier.employ(self.setup.loaded.receivers.clone());
        self.note_configuration("the configuration was loaded again", Utc::now()).await?;
        self.proof_due = None;
        self.deputy.own.reloaded(true, Utc::now());
        self.deputy.own.refreshed(true);
        info!(assets = self.setup.loaded.inventory.members.len(), "the configuration was loaded");
        Ok(Ok(told))
    }

    fn refuse(&self, problems: &dyn std::fmt::Display) -> String {
        self.deputy.own.reloaded(false, Utc::now());
        let text = problems.to_string();
        error!(mistakes = text, "the configuration was refused, the old one stays");
        text
    }

    /// Takes target lists that changed; a list that is wrong leaves the inventory as it was.
    pub(super) async fn refresh(&mut self, why: &str) -> Result<Told, RunError> {
        match self.inventory().await {
            Ok((inventory, papers)) => {
                self.deputy.own.refreshed(true);
                let assets = inventory.members.len();
                info!(assets, why, "the inventory changed");
                let told = self.swap(inventory, papers).await?;
                self.note_inventory(why, assets, Utc::now()).await?;
                Ok(told)
            }
            Err(problems) => {
                self.deputy.own.refreshed(false);
                error!(mistakes = %problems, why, "the inventory was refused, the old one stays");
                Ok(Told::Reload)
            }
        }
    }

    pub(super) async fn inventory(&self) -> Result<(Inventory, Arc<Papers>), Problems> {
        let (setup, fetched) = (Arc::clone(&self.setup), self.targets.fetched.clone());
        let read = tokio::task::spawn_blocking(move || setup.loaded.with_targets(&fetched, &setup.catalog)).await;
        read.unwrap_or_else(|error| Err(Problem::new("inventory", error.to_string()).into()))
    }

    /// Ends the visits to the old plant and begins with the new one.
    pub(super) async fn swap(&mut self, inventory: Inventory, papers: Arc<Papers>) -> Result<Told, RunError> {
        if self.drain(RELOAD_GRACE).await == Told::Stop {
            return Ok(Told::Stop);
        }
        let before = self.generation.take();
        let setup = Arc::clone(&self.setup);
        let plant = tokio::task::block_in_place(|| {
            let before = before.as_ref().map(|generation| &generation.plant);
            Plant::new(&setup.catalog, &inventory, &setup.loaded.schedules, &self.shared, before)
        });
        drop(before);
        let acts = self.store.acts(0).await?;
        self.last_act = acts.last().map_or(0, |record| record.seq);
        self.take_book(Book::new(papers, &acts, duties::Plant::new(&inventory, &setup.catalog)));
        let now = Utc::now();
        // while a list has never come, its assets are not gone
        if self.targets.are_complete(&setup) {
            let left = self.store.retain(plant.plan.pairs(), now).await?;
            if left > 0 {
                info!(checks = left, "left the plan");
            }
        }
        let (latest, visits) = (self.store.latest().await?, self.store.last_visits().await?);
        let standings = Standings::read(&*self.store).await?;
        let certificates = Certificates::read(&*self.store, &plant.plan, &latest, &standings).await?;
        let scope = Scope {
            plan: &plant.plan,
            catalog: &setup.catalog,
            gates: &plant.gates,
            latest: &latest,
            standings: &standings,
            certificates: &certificates,
            visits: &visits,
        };
        tokio::task::block_in_place(|| self.exposition.replace(&scope, now));
        self.board.replace(&plant.plan, &latest, &visits);
        self.note_ledger().await;
        let books = plant.gates.iter().map(|(asset, gate)| (asset.clone(), gate.books().clone())).collect();
        let view = View {
            approvals_hold: setup.loaded.config.duties.baselines_valid_for.unwrap_or(YEAR),
            site: setup.loaded.config.site.clone(),
            plan: Arc::clone(&plant.plan),
            catalog: Arc::clone(&setup.catalog),
            books: Arc::new(books),
            loaded_at: now,
        };
        self.deputy.view.store(Some(Arc::new(view)));
        self.deputy.own.set_active(setup.loaded.config.active && !self.deputy.switch.is_off());
        self.deputy.pulse.beat(now);
        self.notifier.watch(Arc::clone(&plant.plan));
        let listener = Arc::new(Felt {
            inner: self.exposition.clone(),
            board: self.board.clone(),
            pulse: self.deputy.pulse.clone(),
            bell: self.notifier.bell(),
            clock: Utc::now,
        });
        let in_flight = setup.loaded.config.limits.visits_in_flight as usize;
        let generation = Generation::start(plant, &self.visitor, &self.store, listener, in_flight);
        self.deputy.asks.store(Some(Arc::new(generation.asks.clone())));
        self.generation = Some(generation);
        self.deputy.is_ready.store(true, Ordering::Relaxed);
        Ok(Told::Reload)
    }

    /// Looks whether somebody signed something or noted something about an incident, and tells how deadlines stand.
    pub(super) async fn note_acts(&mut self) {
        let news = match self.store.acts(self.last_act).await {
            Ok(news) if news.is_empty() => None,
            Ok(news) => {
                for record in &news {
                    info!(kind = record.act.kind, subject = record.act.subject, actor = record.act.actor, "noted");
                }
                self.store.acts(0).await.ok()
            }
            Err(error) => {
                self.deputy.own.store_failed();
                error!(%error, "cannot read what was signed");
                None
            }
        };
        if let Some(acts) = news {
            self.last_act = acts.last().map_or(self.last_act, |record| record.seq);
            let book = self.visitor.book.load().with_acts(&acts);
            self.take_book(book);
        } else {
            self.exposition.duties(&self.visitor.book.load(), Utc::now());
        }
        self.note_baselines().await;
    }

    /// Tells how baselines stand.
    async fn note_baselines(&self) {
        match self.store.baseline_summary().await {
            Ok(summary) => self.exposition.baselines(&summary),
            Err(error) => {
                self.deputy.own.store_failed();
                error!(%error, "cannot count baselines");
            }
        }
    }

    fn take_book(&self, book: Book) {
        for complaint in book.complaints() {
            error!(complaint, "the ledger cannot be followed");
        }
        self.exposition.duties(&book, Utc::now());
        self.visitor.book.store(Arc::new(book));
        self.visitor.news.notify_one();
        self.deputy.held.send_replace(self.last_act);
    }

    /// Lets the visits under way finish, for so long at most. [`Told::Stop`] when a wish to stop came meanwhile.
    pub(super) async fn drain(&mut self, grace: Duration) -> Told {
        let Some(generation) = self.generation.as_mut() else { return Told::Reload };
        generation.stop();
        tokio::select! {
            ended = generation.ended() => {
                if let Err(why) = ended {
                    error!(why, "the visits ended badly");
                }
                Told::Reload
            }
            () = tokio::time::sleep(grace) => {
                warn!(?grace, "visits did not end within the grace period and are cut off");
                Told::Reload
            }
            () = self.signals.stop() => Told::Stop,
        }
    }
}

/// Some settings are read once; a reload that changes them says so instead of pretending.
fn warn_of_restart(before: &Setup, after: &Setup) {
    let (before, after) = (&before.loaded, &after.loaded);
    let changed = [
        ("api.listen", before.config.api.listen != after.config.api.listen),
        ("store", before.config.store != after.config.store),
        ("telemetry", before.config.telemetry != after.config.telemetry),
        (
            "tls_server_config of the web configuration file",
            before.web_config.tls_server_config != after.web_config.tls_server_config,
        ),
    ];
    for (setting, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        warn!(setting, "changed; this takes effect at the next restart");
    }
}
