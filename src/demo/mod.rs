//! The virtual plant of `nis2watch demo`: small real servers on loopback, and the files with which the product
//! watches them.
//!
//! Nothing here knows the product's insides: devices are asked over sockets, like any other. Each stands at an
//! address of its own (`127.R.ZONE.NUMBER`, R chosen anew for each run, so that two demos do not meet), at ports
//! that need no root and are free. Good and bad devices play from recordings under `plant/`; one drifts and recovers when told.

mod agent;
mod cast;
mod files;
mod host;
mod misfits;
mod old_tls;
mod recording;
mod script;
mod serve;
mod stage;
mod story;
mod web;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use crate::catalog::Catalog;
use crate::model::{Answer, AssetId, Reading, Time, Value};
use crate::store::{Store, StoreError};
use cast::{Block, DRIFTER, TELNET};
use serve::Port;
use stage::{Keys, Stage};

pub use story::Scene;

/// Blocks of loopback that are tried before giving up.
const TRIES: usize = 8;
/// How long the forgotten host has been ignoring its updates.
const WATCHED_FOR: chrono::TimeDelta = chrono::TimeDelta::days(45);

/// Why the plant cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// A device cannot listen.
    #[error(
        "{asset} cannot listen at {address}:{port}; the demo needs loopback addresses 127.x.y.z, which Linux has by itself"
    )]
    Listen {
        /// Which device.
        asset: &'static str,
        /// Where.
        address: std::net::Ipv4Addr,
        /// At which port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An SNMP agent did not start.
    #[error("the SNMP agent of {asset} does not start: {problem}")]
    Agent {
        /// Which device.
        asset: &'static str,
        /// In the library's words.
        problem: String,
    },
    /// A file cannot be written.
    #[error("cannot write the demo's files to {}", folder.display())]
    Files {
        /// Where to.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The demo's own data is broken, which its tests should have found.
    #[error("the demo's data for {name} cannot be used: {problem}")]
    Data {
        /// Of what.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl DemoError {
    fn agent(asset: &'static str, error: &dyn fmt::Display) -> Self {
        Self::Agent { asset, problem: error.to_string() }
    }
}

/// A plant that runs. Its servers stop when it is dropped.
pub struct Plant {
    config: PathBuf,
    stage: Stage,
    catalog: Catalog,
    /// The port that the drifting host opens.
    telnet: Mutex<Option<Port>>,
}

impl Plant {
    /// Starts all devices and writes `nis2watch.yaml`, `assets.yaml`, keys and secrets into `folder`, which must
    /// exist and hold none of them yet. Runs inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// A device that cannot listen, also after several blocks of addresses were tried; a file that cannot be written.
    pub async fn start(folder: &Path) -> Result<Self, DemoError> {
        let catalog = Catalog::load(true, &[])
            .map_err(|problems| DemoError::Data { name: "catalogue", problem: problems.to_string() })?;
        let keys = Keys::new()?;
        let mut tries = 0;
        let (stage, block) = loop {
            let block = Block::random(tries);
            tries += 1;
            match Box::pin(Stage::open(block, &keys, &catalog)).await {
                Ok(stage) => break (stage, block),
                // somebody else has this block, another demo, or one of its ports everywhere
                Err(DemoError::Listen { .. } | DemoError::Agent { .. }) if tries < TRIES => {}
                Err(error) => return Err(error),
            }
        };
        let contents =
            files::Contents { block, pins: &keys.pins(), key: &keys.visitor_file, passwords: &keys.passwords };
        let config =
            files::write(folder, &contents).map_err(|source| DemoError::Files { folder: folder.to_owned(), source })?;
        Ok(Self { config, stage, catalog, telnet: Mutex::default() })
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The host that [`Plant::drift`] changes.
    #[must_use]
    pub const fn drifter(&self) -> &'static str {
        DRIFTER
    }

    /// Makes one host drift: its SSH server lets root in with a password, and telnet answers. Twice is once.
    ///
    /// # Errors
    ///
    /// The telnet port cannot be opened; the SSH part has happened.
    pub fn drift(&self) -> Result<(), DemoError> {
        self.stage.drifter.set_drifted(true);
        let mut telnet = self.telnet.lock().unwrap_or_else(PoisonError::into_inner);
        if telnet.is_none() {
            let (address, port) = (self.stage.address(DRIFTER), self.stage.block.port(TELNET));
            let failed = |source| DemoError::Listen { asset: DRIFTER, address, port, source };
            *telnet = Some(self.stage.servers.listen(address, port, misfits::telnet).map_err(failed)?);
        }
        Ok(())
    }

    /// Brings it back to what it was.
    pub fn recover(&self) {
        self.stage.drifter.set_drifted(false);
        self.telnet.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Bytes that controllers and printers were sent so far; the promise is that it stays 0.
    #[must_use]
    pub fn bytes_heard(&self) -> u64 {
        self.stage.heard.load(Ordering::SeqCst)
    }

    /// What there is to see, one line a device, in the order of the inventory.
    #[must_use]
    pub fn story(&self) -> Vec<Scene> {
        story::scenes(&self.stage)
    }

    /// Gives a fresh store a past: updates that wait today were seen waiting 45 days ago. Call it once before the
    /// first visit; without it every update is new, and nothing is ever late on the first day.
    ///
    /// # Errors
    ///
    /// The store's own.
    pub async fn remember(&self, store: &dyn Store, now: Time) -> Result<(), StoreError> {
        for (id, machine) in &self.stage.machines {
            let Ok(asset) = AssetId::parse(id) else { continue };
            for fact in self.catalog.facts.values() {
                let (Some(remember), Some(answer)) = (&fact.remember, machine.answer(&fact.id)) else { continue };
                let Reading::Known(value) = fact.reading(&Answer::Text(answer.clone())) else { continue };
                let rows = value.get("rows").and_then(Value::as_list).unwrap_or_default();
                let names: Vec<_> = rows.iter().filter_map(|row| remember.name(row)).collect();
                store.first_seen(&asset, &fact.id, names, now - WATCHED_FOR).await?;
            }
        }
        Ok(())
    }

    /// Stops all devices and waits for them.
    pub async fn shutdown(self) {
        self.stage.servers.shutdown().await;
    }
}

#[cfg(test)]
mod tests;
