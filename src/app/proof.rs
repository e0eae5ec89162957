//! What makes the past provable: checkpoints on a schedule and at the end, heads that are kept elsewhere, and which
//! configuration was in force when.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::OptionFuture;
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::service::Service;
use crate::engine::Cadence;
use crate::model::Time;
use crate::output::Own;
use crate::store::{Act, Anchor, SigningKey, Store, StoreError};

/// The kind of the act that tells which configuration was loaded.
const CONFIGURATION: &str = "configuration";
/// Who does what the daemon does by itself.
const DAEMON: &str = "daemon";

/// What a proof needs of the daemon, so that reading a large store holds nothing else up.
struct Prover {
    store: Arc<dyn Store>,
    own: Own,
    key: Option<Arc<SigningKey>>,
    anchor: Option<PathBuf>,
}

impl Prover {
    /// Writes a checkpoint, signs the head, and keeps it where the configuration says and in the log.
    async fn prove(self, now: Time) {
        let head = match self.store.checkpoint(now).await {
            Ok(head) => head,
            Err(error) => {
                self.own.store_failed();
                error!(%error, "cannot write a checkpoint into the ledger");
                return;
            }
        };
        let anchor = Anchor::new(head, now, self.key.as_deref());
        info!(
            seq = anchor.seq,
            digest = anchor.digest,
            at = anchor.at,
            key = anchor.key,
            signature = anchor.signature,
            "the head of the ledger"
        );
        let Some(file) = self.anchor else { return };
        let shown = file.display().to_string();
        let written = tokio::task::spawn_blocking(move || anchor.append(&file)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            self.own.store_failed();
            error!(file = shown, %error, "cannot keep the head of the ledger");
        }
    }
}

impl Service {
    /// Begins to bind the state and to note the head, when it is time and the proof before is written.
    pub(super) fn prove_when_due(&mut self, now: Time) {
        let cadence = &self.setup.loaded.proof.cadence;
        let due = *self.proof_due.get_or_insert_with(|| next(cadence, now));
        if now >= due && self.proving.as_ref().is_none_or(JoinHandle::is_finished) {
            self.proof_due = Some(next(cadence, now));
            self.proving = Some(tokio::spawn(self.prover().prove(now)));
        }
    }

    /// The last proof, after one that may be under way.
    pub(super) async fn prove_at_the_end(&mut self, now: Time) {
        if let Some(Err(error)) = OptionFuture::from(self.proving.take()).await {
            error!(%error, "a proof of the ledger ended early");
        }
        self.prover().prove(now).await;
    }

    fn prover(&self) -> Prover {
        let proof = &self.setup.loaded.proof;
        Prover {
            store: Arc::clone(&self.store),
            own: self.deputy.own.clone(),
            key: proof.key.clone(),
            anchor: proof.anchor.clone(),
        }
    }

    /// Writes into the ledger which configuration is in force from now on.
    pub(super) async fn note_configuration(&self, why: &str, now: Time) -> Result<(), StoreError> {
        let loaded = &self.setup.loaded;
        let act = Act {
            kind: CONFIGURATION.into(),
            subject: loaded.file.display().to_string(),
            actor: DAEMON.into(),
            reason: why.into(),
            body: serde_json::json!({
                "settings": loaded.digest(),
                "files": loaded.file_digests(),
                "assets": loaded.inventory.members.len(),
                "checks": self.setup.catalog.checks.len(),
                "version": env!("CARGO_PKG_VERSION"),
            })
            .to_string(),
            at: now,
        };
        self.store.act(act).await.map(|_| ())
    }
}

fn next(cadence: &Cadence, now: Time) -> Time {
    let next = match cadence {
        Cadence::Every(period) => TimeDelta::from_std(*period).ok().and_then(|period| now.checked_add_signed(period)),
        Cadence::Cron(calendar) => calendar.next_after(now),
    };
    next.unwrap_or(Time::MAX_UTC)
}
