//! Learnt host keys: answered from memory, kept in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{AssetId, Time};
use crate::store::Store;
use crate::transport::ssh::HostKeys;

type Known = HashMap<(AssetId, String), Vec<String>>;

/// The memory of host keys over a store.
pub struct StoredKeys {
    store: Arc<dyn Store>,
    known: Mutex<Known>,
    clock: fn() -> Time,
}

impl StoredKeys {
    /// Starts with an empty memory in front of the store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: fn() -> Time) -> Self {
        Self { store, known: Mutex::default(), clock }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostKeys for StoredKeys {
    fn known(&self, asset: &AssetId, endpoint: &str) -> Option<Vec<String>> {
        let place = (asset.clone(), endpoint.to_owned());
        if let Some(keys) = self.memory().get(&place) {
            return Some(keys.clone());
        }
        // one short read per endpoint and process; the store answers from a thread of its own
        let keys = futures::executor::block_on(self.store.host_keys(asset, endpoint)).unwrap_or_else(|error| {
            tracing::error!(%asset, %error, "cannot read learnt host keys; no key is accepted");
            vec!["unknown: the store cannot be read".to_owned()]
        });
        if keys.is_empty() {
            return None;
        }
        self.memory().insert(place, keys.clone());
        Some(keys)
    }

    fn learn(&self, asset: &AssetId, endpoint: &str, fingerprint: &str) {
        tracing::warn!(%asset, endpoint, fingerprint, "learnt a host key on first contact; compare it with the device and pin it");
        let written =
            futures::executor::block_on(self.store.learn_host_key(asset, endpoint, fingerprint, (self.clock)()));
        if let Err(error) = written {
            tracing::error!(%asset, %error, "cannot keep a learnt host key; it will be learnt again after a restart");
        }
        self.memory().entry((asset.clone(), endpoint.to_owned())).or_default().push(fingerprint.to_owned());
    }
}
