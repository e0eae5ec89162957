//! One loaded plant being watched, until another takes its place.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Plant;
use crate::engine::{Ask, Daemon, Listener, Visitor};
use crate::store::{Store, StoreError};

/// Wishes to visit now that wait for the loop.
const ASKS: usize = 16;

/// A plant and the loop that visits it.
pub(super) struct Generation {
    pub(super) plant: Plant,
    /// Visits now whom somebody names.
    pub(super) asks: mpsc::Sender<Ask>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Generation {
    pub(super) fn start(
        plant: Plant,
        visitor: &Arc<Visitor>,
        store: &Arc<dyn Store>,
        listener: Arc<dyn Listener>,
        visits_in_flight: usize,
    ) -> Self {
        let daemon = Daemon {
            plan: Arc::clone(&plant.plan),
            contacts: plant.contacts.clone(),
            visitor: Arc::clone(visitor),
            store: Arc::clone(store),
            listener,
            visits_in_flight,
        };
        let stop = CancellationToken::new();
        let (asks, asked) = mpsc::channel(ASKS);
        let task = tokio::spawn(daemon.run_asked(stop.clone(), asked));
        Self { plant, asks, stop, task }
    }

    /// Starts no further visit.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the loop's end, which comes by itself only when something is broken.
    pub(super) async fn ended(&mut self) -> Result<(), String> {
        match (&mut self.task).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(format!("the loop that visits broke down: {error}")),
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        // visits that did not end within the grace period end here; their connections close
        self.task.abort();
    }
}
