//! News for people, posted by the daemon itself: to webhooks, and to Alertmanager where no Prometheus is.
//!
//! One courier for each receiver reads the ledger behind what it has told, so that a visit never waits for a receiver,
//! and neither a slow receiver nor a crash loses news. Nothing is posted but to the addresses of the configuration.

mod alert;
mod counts;
mod courier;
mod desk;
mod door;
mod notice;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use prometheus::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::counts::Counts;
use self::courier::Office;
pub use self::notice::Kind;
pub use self::settings::{Entry, Header, Link, Receiver, Scope, Target, receivers};
use crate::engine::Plan;
use crate::model::Time;
use crate::store::Store;

/// Tells couriers that the ledger has grown; never waits.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<()>);

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        self.0.send_replace(());
    }
}

/// Employs the couriers.
pub struct Notifier {
    office: Office,
    bell: Bell,
    couriers: BTreeMap<Arc<str>, At>,
}

/// A courier at work.
struct At {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Nobody is told before [`Self::employ`] and [`Self::watch`]. Call it once for a registry.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, registry: &Registry, clock: fn() -> Time) -> Self {
        let office = Office { store, plan: Arc::new(ArcSwapOption::empty()), counts: Counts::new(registry), clock };
        Self { office, bell: Bell(watch::Sender::new(())), couriers: BTreeMap::new() }
    }

    /// What rings when a verdict changed.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Takes the plant that is watched from now on: its texts and its windows.
    pub fn watch(&self, plan: Arc<Plan>) {
        self.office.plan.store(Some(plan));
        self.bell.ring();
    }

    /// Tells these receivers from now on, and no others. One that was there before goes on where it was.
    pub fn employ(&mut self, receivers: Vec<Receiver>) {
        let mut before = std::mem::take(&mut self.couriers);
        for at in before.values() {
            at.stop.cancel();
        }
        for receiver in receivers {
            let (name, receiver, stop) = (Arc::clone(&receiver.name), Arc::new(receiver), CancellationToken::new());
            let last = before.remove(&name);
            let (office, bell, token) = (self.office.clone(), self.bell.0.subscribe(), stop.clone());
            let task = tokio::spawn(async move {
                // two of them would tell the same news twice
                if let Some(last) = last {
                    last.task.await.ok();
                }
                courier::run(receiver, office, bell, token).await;
            });
            self.couriers.insert(name, At { stop, task });
        }
        for (name, last) in before {
            let counts = self.office.counts.clone();
            tokio::spawn(async move {
                last.task.await.ok();
                counts.end(&name);
            });
        }
    }

    /// Ends all couriers; a message under way may still arrive, within the grace period.
    pub async fn stop(&mut self, grace: Duration) {
        let couriers = std::mem::take(&mut self.couriers);
        for at in couriers.values() {
            at.stop.cancel();
        }
        let aborts: Vec<_> = couriers.values().map(|at| at.task.abort_handle()).collect();
        let tasks = futures::future::join_all(couriers.into_values().map(|at| at.task));
        if tokio::time::timeout(grace, tasks).await.is_err() {
            // what was under way is told again after the start
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.couriers.values().for_each(|at| at.task.abort());
    }
}

#[cfg(test)]
mod tests;
