//! The daemon as its API sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::pulse::Pulse;
use crate::api::{Operator, View};
use crate::duties::Book;
use crate::engine::{Ask, AssetIndex, CheckIndex, Visitor};
use crate::feeds::Shelf;
use crate::model::Time;
use crate::output::Own;
use crate::store::{Examination, Store};
use crate::transport::gate::Switch;

/// The setting in the store that remembers the kill switch.
pub const STOPPED: &str = "traffic_stopped";

/// How long the answer of an act waits for the book to hold it; a reload may keep the loop for longer.
const HOLD: Duration = Duration::from_secs(2);

/// A wish to reload, with the place for what came of it.
pub(super) type Wish = oneshot::Sender<Result<(), String>>;

/// Answers the API, and carries its wishes to the daemon's loop.
pub(super) struct Deputy {
    pub(super) view: ArcSwapOption<View>,
    pub(super) is_ready: AtomicBool,
    pub(super) pulse: Pulse,
    pub(super) switch: Switch,
    pub(super) store: Arc<dyn Store>,
    pub(super) own: Own,
    pub(super) visitor: Arc<Visitor>,
    pub(super) wishes: mpsc::Sender<Wish>,
    /// Rung when somebody wrote an act, so that the loop looks at once.
    pub(super) bell: Notify,
    /// The number of the last act that the book holds.
    pub(super) held: watch::Sender<u64>,
    /// The loop that visits now whom somebody names.
    pub(super) asks: ArcSwapOption<mpsc::Sender<Ask>>,
    /// How the ledger was found last.
    pub(super) examined: ArcSwapOption<Examination>,
    pub(super) clock: fn() -> Time,
}

impl Deputy {
    /// Brings the kill switch into the state that was left behind.
    pub(super) async fn remember_switch(&self) -> Result<(), crate::store::StoreError> {
        if self.store.flag(STOPPED).await? {
            tracing::warn!("traffic was stopped by an operator and stays stopped; POST /-/resume-traffic ends that");
            self.switch.turn_off();
            self.own.set_active(false);
        }
        Ok(())
    }

    async fn turn(&self, allowed: bool, actor: &str) -> Result<(), String> {
        if !allowed {
            // first of all the packets; remembering can wait
            self.switch.turn_off();
            self.own.set_active(false);
            tracing::warn!(actor, "traffic was stopped");
        }
        if let Err(error) = self.store.set_flag(STOPPED, !allowed, actor, (self.clock)()).await {
            tracing::error!(%error, "cannot remember the kill switch");
            let state =
                if allowed { "traffic stays stopped" } else { "traffic is stopped until the next restart only" };
            return Err(format!("{state}: {error}"));
        }
        if allowed {
            self.switch.turn_on();
            self.own.set_active(true);
            tracing::warn!(actor, "traffic flows again");
        }
        Ok(())
    }
}

impl Operator for Deputy {
    fn is_healthy(&self) -> bool {
        self.pulse.is_alive((self.clock)())
    }

    fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    fn view(&self) -> Option<View> {
        self.view.load_full().map(|view| (*view).clone())
    }

    fn examined(&self) -> Option<Arc<Examination>> {
        self.examined.load_full()
    }

    fn book(&self) -> Arc<Book> {
        self.visitor.book.load_full()
    }

    fn carried(&self) -> Arc<Shelf> {
        self.visitor.carried.load_full()
    }

    fn noted(&self, act: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut held = self.held.subscribe();
            self.bell.notify_one();
            if tokio::time::timeout(HOLD, held.wait_for(|held| *held >= act)).await.is_err() {
                tracing::debug!(act, "an act shows later: the daemon is busy");
            }
        })
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let (wish, answer) = oneshot::channel();
            let ends = || "the daemon is stopping".to_owned();
            self.wishes.send(wish).await.map_err(|_| ends())?;
            answer.await.unwrap_or_else(|_| Err(ends()))
        })
    }

    fn run_now(&self, asset: AssetIndex, checks: Vec<CheckIndex>) -> Result<(), String> {
        let asks = self.asks.load();
        let asks = asks.as_ref().ok_or("nothing is watched now")?;
        asks.try_send((asset, checks)).map_err(|_| "too many visits were asked for; wait for them".to_owned())
    }

    fn traffic_allowed(&self) -> bool {
        !self.switch.is_off()
    }

    fn set_traffic(&self, allowed: bool, actor: &str) -> BoxFuture<'_, Result<(), String>> {
        let actor = actor.to_owned();
        Box::pin(async move { self.turn(allowed, &actor).await })
    }
}
