//! The kill switch: one act stops all packets at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Shared by all gates; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Switch(Arc<Mutex<CancellationToken>>);

impl Switch {
    /// Stops all traffic: waiting conversations are refused, open ones fail at their next read or write.
    pub fn turn_off(&self) {
        self.current().cancel();
    }

    /// Lets traffic flow again.
    pub fn turn_on(&self) {
        let mut token = self.current();
        if token.is_cancelled() {
            *token = CancellationToken::new();
        }
    }

    /// Whether traffic is stopped.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.current().is_cancelled()
    }

    pub(super) fn token(&self) -> CancellationToken {
        self.current().clone()
    }

    fn current(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
