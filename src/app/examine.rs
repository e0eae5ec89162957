//! The daemon examines its own ledger: at the start, and once a day. A person need not remember to.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::deputy::Deputy;
use super::service::Service;
use crate::config::Proof;
use crate::model::Time;
use crate::store::{self, Anchors, Examination, Sqlite, Store as _};

/// How often the whole chain is walked.
const EVERY: TimeDelta = TimeDelta::days(1);
/// Problems that are written into the log.
const TOLD: usize = 10;

/// When the ledger was looked at, and the look under way.
#[derive(Default)]
pub(super) struct Examiner {
    due: Option<Time>,
    running: Option<JoinHandle<()>>,
}

impl Service {
    /// Begins to walk the chain, when it is time and no walk is under way. It has a connection of its own, so nothing waits for it.
    pub(super) fn examine_when_due(&mut self, now: Time) {
        let examiner = &mut self.examiner;
        let is_free = examiner.running.as_ref().is_none_or(JoinHandle::is_finished);
        if examiner.due.is_some_and(|due| due > now) || !is_free {
            return;
        }
        examiner.due = Some(now + EVERY);
        let (deputy, config) = (Arc::clone(&self.deputy), self.setup.loaded.config.store.clone());
        let proof = self.setup.loaded.proof.clone();
        examiner.running = Some(tokio::spawn(async move {
            match examine(&config, &proof, now).await {
                Ok(found) => tell(found, &deputy),
                Err(problem) => {
                    deputy.own.store_failed();
                    error!(problem, "cannot examine the ledger");
                }
            }
        }));
    }
}

/// Walks the chain, and holds it against the heads that were kept elsewhere.
async fn examine(config: &store::Config, proof: &Proof, now: Time) -> Result<Examination, String> {
    let anchors = match proof.anchor.as_deref().filter(|file| file.exists()) {
        Some(file) => anchors(file).map_err(|error| format!("{}: {error}", file.display()))?,
        None => Anchors::default(),
    };
    let store = tokio::task::block_in_place(|| Sqlite::open_read_only(config)).map_err(|error| error.to_string())?;
    let found = store.verify(anchors.heads).await.map_err(|error| error.to_string())?;
    let breaks = found.breaks.iter().map(ToString::to_string);
    Ok(Examination { at: now, records: found.records, problems: anchors.problems.into_iter().chain(breaks).collect() })
}

/// The heads of the file. Who signed them is for a person to judge: keys are brought in and change.
fn anchors(file: &Path) -> std::io::Result<Anchors> {
    tokio::task::block_in_place(|| Anchors::read(BufReader::new(File::open(file)?), None))
}

fn tell(found: Examination, deputy: &Deputy) {
    for problem in found.problems.iter().take(TOLD) {
        error!(problem, "the ledger is not as it was written");
    }
    if found.problems.is_empty() {
        info!(records = found.records, "the ledger is as it was written");
    }
    deputy.own.examined(&found);
    deputy.examined.store(Some(Arc::new(found)));
}
