//! The daemon: one plant watched, reloaded on request, ended in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::Utc;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::deputy::{Deputy, Wish};
use super::examine::Examiner;
use super::feeds::{Arrived, FeedWatch};
use super::generation::Generation;
use super::proof::{MadeOf, still_holds};
use super::pulse::Pulse;
use super::signals::{Signals, Told};
use super::systemd;
use super::targets::{LOOK_EVERY, Targets};
use super::{Setup, Shared, StoredKeys};
use crate::api::{self, Board, Desk, Door, ServeError};
use crate::engine::Visitor;
use crate::model::Time;
use crate::output::notify::Notifier;
use crate::output::{Exposition, Own};
use crate::store::{Filter, Head, Sqlite, Store, StoreError};
use crate::transport::gate::Switch;
use crate::transport::snmp;

/// How long visits may go on after a wish to stop; below the 30 seconds after which Kubernetes kills.
const GRACE: Duration = Duration::from_secs(25);
/// How long a notice under way may still take at the end.
const LAST_NOTICES: Duration = Duration::from_secs(3);
/// Wishes to reload that wait; they are fulfilled together.
const WISHES: usize = 16;
/// Records that are looked through at the start for the last changes.
const LAST_CHANGES: usize = 500;

/// Why the daemon could not start, or ended without being told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The address is taken, or not ours.
    #[error("cannot listen at {address}: {source}; change api.listen or --listen, or stop who listens there")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The web configuration cannot be used.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The system gives no signals.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
    /// A part ended that must not.
    #[error("{0}")]
    Ended(String),
}

/// The daemon, ready to run.
pub struct Service {
    pub(super) setup: Arc<Setup>,
    pub(super) store: Arc<dyn Store>,
    pub(super) shared: Shared,
    pub(super) visitor: Arc<Visitor>,
    pub(super) exposition: Exposition,
    pub(super) board: Board,
    pub(super) deputy: Arc<Deputy>,
    pub(super) door: Arc<ArcSwap<Door>>,
    pub(super) wishes: mpsc::Receiver<Wish>,
    pub(super) targets: Targets,
    pub(super) feeds: FeedWatch,
    pub(super) notifier: Notifier,
    /// Where the ledger was last seen to end.
    pub(super) last_head: Option<Head>,
    /// Number of the last act that the book knows.
    pub(super) last_act: u64,
    /// When the past is made provable next.
    pub(super) proof_due: Option<Time>,
    /// What the inventory was made of that the ledger tells of.
    pub(super) noted: Option<MadeOf>,
    /// The proof under way.
    pub(super) proving: Option<JoinHandle<()>>,
    /// Walks the ledger now and then.
    pub(super) examiner: Examiner,
    pub(super) generation: Option<Generation>,
    pub(super) listener: Option<TcpListener>,
    pub(super) address: SocketAddr,
    pub(super) signals: Signals,
}

/// What makes the loop turn.
enum Event {
    Stop,
    Reload(Option<Wish>),
    Look,
    Acts,
    Arrived(Result<bool, crate::inventory::FetchError>),
    Feeds(Arrived),
    VisitsEnded(Result<(), String>),
    ServingEnded(Result<(), String>),
}

impl Service {
    /// Opens the store and the listener. Nothing is asked of any asset yet.
    ///
    /// # Errors
    ///
    /// [`RunError`].
    pub async fn open(setup: Setup) -> Result<Self, RunError> {
        let clock = Utc::now;
        let config = &setup.loaded.config;
        let signals = Signals::new().map_err(RunError::Signals)?;
        let wanted = config.api.listen;
        let failed = |source| RunError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let store: Arc<dyn Store> = Arc::new(tokio::task::block_in_place(|| Sqlite::open(&config.store))?);
        let shared = Shared::new(&store, clock);
        let exposition = Exposition::new(Own::new());
        let notifier = Notifier::new(Arc::clone(&store), exposition.own().registry(), clock);
        let (wish, wishes) = mpsc::channel(WISHES);
        let visitor = Arc::new(Visitor::new(Arc::clone(&store), Arc::clone(&setup.loaded.lifecycle), clock));
        let deputy = Arc::new(Deputy {
            view: ArcSwapOption::empty(),
            is_ready: AtomicBool::new(false),
            pulse: Pulse::default(),
            switch: shared.switch.clone(),
            store: Arc::clone(&store),
            own: exposition.own().clone(),
            visitor: Arc::clone(&visitor),
            wishes: wish,
            bell: Notify::new(),
            held: watch::Sender::new(0),
            asks: ArcSwapOption::empty(),
            examined: ArcSwapOption::empty(),
            clock,
        });
        deputy.remember_switch().await?;
        let door = Arc::new(ArcSwap::from_pointee(Door::new(&setup.loaded.web_config, &setup.loaded.config.access())));
        Ok(Self {
            setup: Arc::new(setup),
            store,
            shared,
            visitor,
            exposition,
            board: Board::default(),
            deputy,
            door,
            wishes,
            targets: Targets::default(),
            feeds: FeedWatch::default(),
            notifier,
            last_head: None,
            last_act: 0,
            proof_due: None,
            noted: None,
            proving: None,
            examiner: Examiner::default(),
            generation: None,
            listener: Some(listener),
            address,
            signals,
        })
    }

    /// Where the API listens; the port that was given when the configuration said 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was seen.
    #[must_use]
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Watches until a signal or `shutdown` says stop, then lets visits under way finish.
    ///
    /// # Errors
    ///
    /// [`RunError`] when a part that must live has ended.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), RunError> {
        let stop_serving = CancellationToken::new();
        let mut serving = self.serve(&stop_serving)?;
        self.targets.settle(&self.setup).await;
        let carried = (*self.setup.loaded.carried).clone();
        self.take_shelf(carried);
        let (inventory, papers) = self.inventory().await.map_err(|problems| RunError::Ended(problems.to_string()))?;
        self.swap(inventory, papers).await?;
        let changes = self.store.transitions(Filter::default(), LAST_CHANGES).await?;
        self.board.recall(changes.into_iter().map(|record| record.transition));
        self.notifier.employ(self.setup.loaded.receivers.clone());
        self.note_configuration("the daemon started", Utc::now()).await?;
        self.deputy.own.reloaded(true, Utc::now());
        systemd::ready();
        info!(address = %self.address, version = env!("CARGO_PKG_VERSION"), "watching");
        let ended = self.live(&shutdown, &mut serving).await;
        self.deputy.is_ready.store(false, Ordering::Relaxed);
        systemd::stopping();
        if ended.is_ok() {
            info!("stopping: visits under way may finish");
            self.drain(GRACE).await;
        }
        drop(self.generation.take());
        self.notifier.stop(LAST_NOTICES).await;
        self.prove_at_the_end(Utc::now()).await;
        stop_serving.cancel();
        if tokio::time::timeout(Duration::from_secs(3), &mut serving).await.is_err() {
            serving.abort();
        }
        ended
    }

    fn serve(&mut self, stop: &CancellationToken) -> Result<JoinHandle<Result<(), ServeError>>, RunError> {
        let router = api::router(Desk {
            operator: Arc::clone(&self.deputy) as Arc<dyn api::Operator>,
            exposition: self.exposition.clone(),
            board: self.board.clone(),
            store: Arc::clone(&self.store),
            door: Arc::clone(&self.door),
            listens_at: self.address.ip(),
        });
        let tls = self.setup.loaded.web_config.tls_server_config.clone();
        let listener = self.listener.take().ok_or_else(|| RunError::Ended("the listener was used before".into()))?;
        Ok(tokio::spawn(api::serve(listener, router, tls, stop.clone())))
    }

    async fn live(
        &mut self,
        shutdown: &CancellationToken,
        serving: &mut JoinHandle<Result<(), ServeError>>,
    ) -> Result<(), RunError> {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut watchdog = systemd::Watchdog::new();
        loop {
            let generation = self.generation.as_mut();
            let event = tokio::select! {
                () = shutdown.cancelled() => Event::Stop,
                told = self.signals.next() => match told {
                    Told::Stop => Event::Stop,
                    Told::Reload => Event::Reload(None),
                },
                Some(wish) = self.wishes.recv() => Event::Reload(Some(wish)),
                _ = look.tick() => Event::Look,
                () = self.deputy.bell.notified() => Event::Acts,
                arrived = self.targets.arrived() => Event::Arrived(arrived),
                arrived = self.feeds.arrived() => Event::Feeds(arrived),
                ended = ended(generation) => Event::VisitsEnded(ended),
                ended = &mut *serving => Event::ServingEnded(match ended {
                    Ok(result) => result.map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                }),
                () = watchdog.due() => {
                    if self.deputy.pulse.is_alive(Utc::now()) {
                        systemd::alive();
                    }
                    continue;
                }
            };
            match event {
                Event::Stop => return Ok(()),
                Event::Reload(wish) => {
                    if self.fulfil(wish).await? == Told::Stop {
                        return Ok(());
                    }
                }
                Event::Look => {
                    self.note_ledger().await;
                    self.note_acts().await;
                    self.prove_when_due(Utc::now());
                    self.examine_when_due(Utc::now());
                    self.feeds.look(&self.setup.loaded.config.feeds);
                    self.tell_feeds();
                    self.deputy.own.lists(self.targets.lists(&self.setup));
                    if self.targets.look(&self.setup)
                        && self.refresh("a target file or a register changed").await? == Told::Stop
                    {
                        return Ok(());
                    }
                }
                Event::Acts => self.note_acts().await,
                Event::Arrived(Ok(true)) => {
                    if self.refresh("a target list changed").await? == Told::Stop {
                        return Ok(());
                    }
                }
                Event::Arrived(Ok(false)) => {}
                Event::Feeds(arrived) => self.feeds_changed(arrived),
                Event::Arrived(Err(error)) => {
                    self.deputy.own.not_fetched();
                    warn!(%error, "a target list did not come; the one from before stays");
                }
                Event::VisitsEnded(how) => {
                    let why = how.err().unwrap_or_else(|| "the loop that visits ended by itself".into());
                    return Err(RunError::Ended(why));
                }
                Event::ServingEnded(how) => {
                    let why = how.err().unwrap_or_else(|| "it ended by itself".into());
                    return Err(RunError::Ended(format!("the listener: {why}")));
                }
            }
        }
    }

    /// Tells where the ledger ends, and whether it goes on from where it was last seen to end: a record that was written once
    /// stays what it was.
    pub(super) async fn note_ledger(&mut self) {
        match self.ledger_goes_on().await {
            Ok(true) => {}
            Ok(false) => {
                self.deputy.own.ledger_contradicted();
                error!(
                    "the ledger does not go on from the record that it was seen to end in; keep a copy of the store"
                );
            }
            Err(error) => {
                self.deputy.own.store_failed();
                error!(%error, "cannot read the head of the ledger");
            }
        }
    }

    async fn ledger_goes_on(&mut self) -> Result<bool, StoreError> {
        let Some(head) = self.store.head().await? else { return Ok(self.last_head.is_none()) };
        self.deputy.own.ledger_head(&head);
        let Some(before) = self.last_head.replace(head) else { return Ok(true) };
        still_holds(&*self.store, &before).await
    }
}

/// Waits for the end of a generation; for ever when there is none.
async fn ended(generation: Option<&mut Generation>) -> Result<(), String> {
    match generation {
        Some(generation) => generation.ended().await,
        None => std::future::pending().await,
    }
}

impl Shared {
    /// What the contacts of a process share, over its store.
    #[must_use]
    pub fn new(store: &Arc<dyn Store>, clock: fn() -> crate::model::Time) -> Self {
        Self {
            host_keys: Arc::new(StoredKeys::new(Arc::clone(store), clock)),
            snmp: Arc::new(snmp::Engine::new()),
            switch: Switch::default(),
            turn: Arc::new(Semaphore::new(1)),
            clock,
        }
    }
}
