//! Learnt host keys: answered from memory, kept in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{AssetId, Time};
use crate::store::{Store, StoreError};
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
        let written =
            futures::executor::block_on(self.store.learn_host_key(asset, endpoint, fingerprint, (self.clock)()));
        match written {
            Ok(()) => {
                tracing::warn!(%asset, endpoint, fingerprint, "learnt a host key on first contact; compare it with the device and pin it");
            }
            // a command beside the daemon only looks; the daemon learns the key at its own first contact
            Err(StoreError::ReadOnly) => {
                tracing::info!(%asset, endpoint, fingerprint, "accepted a host key on first contact; the daemon learns it when it comes by");
            }
            Err(error) => {
                tracing::error!(%asset, %error, "cannot keep a learnt host key; it will be learnt again after a restart");
            }
        }
        self.memory().entry((asset.clone(), endpoint.to_owned())).or_default().push(fingerprint.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tracing::Level;

    use super::*;
    use crate::store::{Config, Sqlite};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is logged when a key is learnt.
    fn logged(store: Sqlite, level: Level) -> String {
        let log = Log::default();
        let sink = log.clone();
        let lines =
            tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(move || sink.clone()).finish();
        let keys = StoredKeys::new(Arc::new(store), chrono::Utc::now);
        let asset = AssetId::parse("srv-1").unwrap();
        tracing::subscriber::with_default(lines, || keys.learn(&asset, "10.0.0.5:22", "SHA256:x"));
        assert_eq!(keys.known(&asset, "10.0.0.5:22").unwrap(), ["SHA256:x"], "the rest of the round expects it");
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_key_learnt_beside_the_daemon_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { path: folder.path().join("n.db"), ..Config::default() };
        let daemon = Sqlite::open(&config).unwrap();
        assert_eq!(logged(Sqlite::open_read_only(&config).unwrap(), Level::WARN), "");
        assert!(logged(Sqlite::open_read_only(&config).unwrap(), Level::INFO).contains("the daemon learns it"));
        assert!(logged(daemon, Level::WARN).contains("pin it"), "whoever keeps it says so");
    }
}
