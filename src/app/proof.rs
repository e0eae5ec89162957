//! What makes the past provable: checkpoints on a schedule and at the end, heads that are kept elsewhere, and which
//! configuration was in force when.

use std::collections::BTreeMap;
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
use crate::store::{Act, Anchor, Head, SigningKey, Store, StoreError};

/// The kind of the act that tells which configuration was loaded.
const CONFIGURATION: &str = "configuration";
/// The kind of the act that tells of target lists and files that changed by themselves.
const INVENTORY: &str = "inventory";
/// Who does what the daemon does by itself.
const DAEMON: &str = "daemon";

/// Digests of the files and of the fetched lists that an inventory is made of.
pub(super) type MadeOf = (BTreeMap<String, Option<String>>, BTreeMap<String, String>);

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
        match written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(()) => self.own.anchored(now),
            Err(error) => {
                self.own.store_failed();
                error!(file = shown, %error, "cannot keep the head of the ledger");
            }
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

    /// Tells how often heads are to be kept, and when one was last. The file only grows, so its own time says that; where there is
    /// none yet, the first is awaited from now on.
    pub(super) fn tell_anchor(&self, now: Time) {
        let proof = &self.setup.loaded.proof;
        let Some(file) = &proof.anchor else { return self.deputy.own.anchor_every(None) };
        let first = next(&proof.cadence, now);
        self.deputy.own.anchor_every(Some(next(&proof.cadence, first) - first));
        let kept = std::fs::metadata(file).and_then(|about| about.modified()).map(Time::from);
        self.deputy.own.anchored(kept.map_or(now, |kept| kept.min(now)));
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
    pub(super) async fn note_configuration(&mut self, why: &str, now: Time) -> Result<(), StoreError> {
        let loaded = &self.setup.loaded;
        self.tell_anchor(now);
        self.deputy.own.pages_at(loaded.config.api.external_url.as_deref());
        self.deputy.own.forget_lists();
        self.deputy.own.lists(self.targets.lists(&self.setup));
        self.noted = Some(self.inventory_files());
        let act = Act {
            kind: CONFIGURATION.into(),
            subject: loaded.file.display().to_string(),
            actor: DAEMON.into(),
            reason: why.into(),
            body: serde_json::json!({
                "settings": loaded.digest(),
                "files": loaded.file_digests(),
                "folders": loaded.folder_digests(),
                "lists": self.targets.digests(),
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

impl Service {
    /// Writes into the ledger which target lists and files an inventory was made of that changed by itself; nothing where they
    /// are what was noted last.
    pub(super) async fn note_inventory(&mut self, why: &str, assets: usize, now: Time) -> Result<(), StoreError> {
        let made_of = self.inventory_files();
        if self.noted.as_ref() == Some(&made_of) {
            return Ok(());
        }
        let (files, lists) = &made_of;
        let act = Act {
            kind: INVENTORY.into(),
            subject: self.setup.loaded.file.display().to_string(),
            actor: DAEMON.into(),
            reason: why.into(),
            body: serde_json::json!({ "files": files, "lists": lists, "assets": assets }).to_string(),
            at: now,
        };
        self.store.act(act).await?;
        self.noted = Some(made_of);
        Ok(())
    }

    fn inventory_files(&self) -> MadeOf {
        (self.setup.loaded.file_digests(), self.targets.digests())
    }
}

/// Whether the ledger still holds the record that it was seen to end in.
pub(super) async fn still_holds(store: &dyn Store, head: &Head) -> Result<bool, StoreError> {
    let found = store.chain(head.seq.saturating_sub(1), 1).await?;
    Ok(found.first().is_some_and(|record| record.seq == head.seq && record.digest == head.digest.to_string()))
}

fn next(cadence: &Cadence, now: Time) -> Time {
    let next = match cadence {
        Cadence::Every(period) => TimeDelta::from_std(*period).ok().and_then(|period| now.checked_add_signed(period)),
        Cadence::Cron(calendar) => calendar.next_after(now),
    };
    next.unwrap_or(Time::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::store::{Config, Sqlite};

    #[tokio::test]
    async fn a_ledger_that_grows_holds_what_it_held_and_one_that_was_rewritten_or_cut_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = Sqlite::open(&Config { path: path.clone(), ..Config::default() }).unwrap();
        let act = |subject: &str| Act {
            kind: CONFIGURATION.into(),
            subject: subject.into(),
            actor: DAEMON.into(),
            reason: String::new(),
            body: "{}".into(),
            at: Utc::now(),
        };
        let head = store.act(act("a")).await.unwrap();
        assert!(still_holds(&store, &head).await.unwrap());
        let last = store.act(act("b")).await.unwrap();
        assert!(still_holds(&store, &head).await.unwrap() && still_holds(&store, &last).await.unwrap());
        let cut = Head { seq: last.seq + 1, ..last };
        assert!(!still_holds(&store, &cut).await.unwrap());
        let forger = rusqlite::Connection::open(&path).unwrap();
        forger
            .execute("UPDATE ledger SET digest = zeroblob(32) WHERE seq = ?1", [i64::try_from(head.seq).unwrap()])
            .unwrap();
        assert!(!still_holds(&store, &head).await.unwrap());
    }
}
