//! The feed folder while the daemon runs: looked at beside everything else, read off the loop, swapped as a whole.

use std::path::Path;
use std::sync::Arc;

use chrono::Utc;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::service::Service;
use crate::config::Feeds;
use crate::feeds::{FeedError, Seen, Shelf, files};

/// What came of a look: the files, and what they hold where they changed.
pub(super) type Arrived = Result<(Vec<Seen>, Option<Shelf>), FeedError>;

/// The files as they were last seen, and a look under way.
#[derive(Default)]
pub(super) struct FeedWatch {
    seen: Option<Vec<Seen>>,
    looking: JoinSet<Arrived>,
}

impl FeedWatch {
    /// Starts to look at the folder, unless somebody still does: a look may take as long as the folder is large.
    pub(super) fn look(&mut self, config: &Feeds) {
        let Some(path) = config.path.clone().filter(|_| self.looking.is_empty()) else { return };
        let (before, ages) = (self.seen.clone(), config.ages());
        self.looking.spawn_blocking(move || look(&path, before.as_ref(), || Shelf::load(&path, &ages)));
    }

    /// Waits for the look that is under way.
    pub(super) async fn arrived(&mut self) -> Arrived {
        loop {
            match self.looking.join_next().await {
                Some(Ok(arrived)) => {
                    if let Ok((seen, _)) = &arrived {
                        self.seen = Some(seen.clone());
                    }
                    return arrived;
                }
                Some(Err(error)) => error!(%error, "reading the feed folder ended in a defect"),
                None => std::future::pending().await,
            }
        }
    }
}

/// What is there; read only when it changed since. The files are listed before they are read: what changes meanwhile is seen
/// at the next look.
fn look(path: &Path, before: Option<&Vec<Seen>>, load: impl FnOnce() -> Result<Shelf, FeedError>) -> Arrived {
    let mut seen = files(path)?;
    // the register begins with a dot and tells of imports that changed nothing else
    let register = path.join(crate::feeds::REGISTER);
    if let Ok(about) = std::fs::metadata(&register) {
        seen.push((register, about.modified().ok(), about.len()));
    }
    if before.is_some_and(|before| *before == seen) {
        return Ok((seen, None));
    }
    let carried = load()?;
    Ok((seen, Some(carried)))
}

impl Service {
    /// Takes a folder that changed; one that cannot be read leaves what there was.
    pub(super) fn feeds_changed(&self, arrived: Arrived) {
        match arrived {
            Ok((_, Some(carried))) => self.take_shelf(carried),
            Ok((_, None)) => {}
            Err(error) => error!(%error, "the feed folder cannot be read; what was read before stays and ages"),
        }
    }

    /// Puts a carried in the place of the one before.
    pub(super) fn take_shelf(&self, carried: Shelf) {
        let carried = carried.after(&self.visitor.carried.load());
        for one in carried.refused.iter() {
            warn!(file = %one.file.display(), why = one.why, "a feed was refused");
        }
        if carried.is_kept {
            info!(documents = carried.documents.len(), refused = carried.refused.len(), "the feeds were read");
        }
        self.visitor.take_shelf(Arc::new(carried), &self.setup.loaded.lifecycle);
        self.tell_feeds();
    }

    /// Shows how old the feeds are.
    pub(super) fn tell_feeds(&self) {
        self.exposition.own().feeds(&self.visitor.carried.load(), Utc::now());
    }
}
