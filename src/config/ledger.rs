//! How the past is proven: which key signs heads of the ledger, and where they are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::Schedules;
use super::schedules::Rhythm;
use crate::engine::{Cadence, Schedules as _};
use crate::inventory::{SecretRef, Surroundings};
use crate::model::Problems;
use crate::model::document::{Document, Step};
use crate::store::SigningKey;

/// How often the state is bound, and the head noted, when nothing is said.
const EVERY: Duration = Duration::from_hours(1);

/// Settings of the ledger, `ledger:` in the configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// The ed25519 key (PEM) that signs heads.
    pub key: Option<SecretRef>,
    /// Where heads are kept outside the store.
    pub anchor: Option<AnchorFile>,
}

/// A file that only grows, best on another machine or a medium that cannot be rewritten.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorFile {
    /// The file.
    pub file: PathBuf,
    /// When: a cron line, `{ every: 1h }`, or the name of a schedule.
    pub schedule: Option<Rhythm>,
}

/// The same, ready for use.
#[derive(Debug, Clone)]
pub struct Proof {
    /// When a checkpoint is written and the head noted.
    pub cadence: Arc<Cadence>,
    /// Where heads are kept.
    pub anchor: Option<PathBuf>,
    /// What signs them.
    pub key: Option<Arc<SigningKey>>,
}

impl Ledger {
    /// Makes the relative path of the anchor file start at the directory of the configuration.
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(anchor) = &mut self.anchor {
            anchor.file = base.join(&anchor.file);
        }
    }

    /// Reads the key.
    pub(super) fn key(
        &self,
        document: &Document,
        base: &Path,
        surroundings: &Surroundings,
        problems: &mut Problems,
    ) -> Option<Arc<SigningKey>> {
        let place: [Step; 2] = ["ledger".into(), "key".into()];
        match self.key.as_ref()?.resolve(base, surroundings) {
            Err(unreadable) => {
                let problem = document.wrong(&place, unreadable.message);
                problems.push(unreadable.hint.into_iter().fold(problem, crate::model::Problem::hint));
                None
            }
            Ok(secret) => match SigningKey::from_pem(secret.expose()) {
                Ok(key) => Some(Arc::new(key)),
                Err(error) => {
                    problems.push(document.wrong(&place, error.to_string()));
                    None
                }
            },
        }
    }

    /// Everything that the daemon needs to know.
    pub(super) fn proof(
        &self,
        schedules: &Schedules,
        timezone: chrono_tz::Tz,
        key: Option<Arc<SigningKey>>,
        mut wrong: impl FnMut(String),
    ) -> Proof {
        let wanted = self.anchor.as_ref().and_then(|anchor| anchor.schedule.as_ref());
        let named = |rhythm: &Rhythm| match rhythm {
            Rhythm::Cron(name) => schedules.cadence(name, false),
            Rhythm::Every(_) => None,
        };
        let cadence =
            wanted.and_then(|rhythm| named(rhythm).or_else(|| rhythm.cadence(timezone).map_err(&mut wrong).ok()));
        Proof {
            cadence: cadence.unwrap_or_else(|| Arc::new(Cadence::Every(EVERY))),
            anchor: self.anchor.as_ref().map(|anchor| anchor.file.clone()),
            key,
        }
    }
}
