//! Target lists that come from elsewhere and change by themselves: fetched over HTTP, and files of `file_sd`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::Utc;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Setup;
use crate::inventory::{FetchError, Fetched, HttpSource, fetch};
use crate::model::Time;
use crate::store::Digest;

/// How often target files are looked at; what the operating systems offer to be told instead fails on network file
/// systems and on the symbolic links of Kubernetes, and a look costs a system call.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Target files and registers as they were last seen.
type Look = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// The lists and when to ask for them again.
#[derive(Default)]
pub(super) struct Targets {
    /// What was fetched last, by URL.
    pub(super) fetched: Fetched,
    due: BTreeMap<String, Instant>,
    /// When each list last came; for one that never did, since when it is awaited.
    came: BTreeMap<String, Time>,
    asking: JoinSet<(HttpSource, Result<String, FetchError>)>,
    files: Look,
}

impl Targets {
    /// Fetches all lists that are new to a setup, and forgets those that left it. A list that does not come is warned
    /// about and asked for again later.
    pub(super) async fn settle(&mut self, setup: &Setup) {
        let (sources, base) = setup.loaded.http_sources();
        self.fetched.retain(|url, _| sources.iter().any(|source| source.url.as_str() == url));
        self.due.retain(|url, _| sources.iter().any(|source| source.url.as_str() == url));
        self.came.retain(|url, _| sources.iter().any(|source| source.url.as_str() == url));
        let new = sources.into_iter().filter(|source| !self.fetched.contains_key(source.url.as_str()));
        let asked = new.map(|source| async move { (source, fetch(source, base).await) });
        for (source, came) in futures::future::join_all(asked).await {
            self.note(source, came);
        }
        self.files = look(setup);
    }

    /// Whether every list of the setup has come at least once.
    pub(super) fn are_complete(&self, setup: &Setup) -> bool {
        setup.loaded.http_sources().0.iter().all(|source| self.fetched.contains_key(source.url.as_str()))
    }

    /// SHA-256 of each list that came, by its address without what may be secret in it.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        let digest = |(url, text): (&String, &String)| (without_secrets(url), sha256(text.as_bytes()));
        self.fetched.iter().map(digest).collect()
    }

    /// The lists of a setup, by their addresses without what may be secret in them: when each last came, and how often it is
    /// asked for. Of lists that differ in their secrets only, the one that came first stands for all.
    pub(super) fn lists(&self, setup: &Setup) -> Vec<(String, Time, Duration)> {
        let mut all: BTreeMap<String, (Time, Duration)> = BTreeMap::new();
        for source in setup.loaded.http_sources().0 {
            let Some(came) = self.came.get(source.url.as_str()) else { continue };
            let every = source.refresh.max(source.timeout);
            let one = all.entry(without_secrets(source.url.as_str())).or_insert((*came, every));
            *one = (one.0.min(*came), one.1.max(every));
        }
        all.into_iter().map(|(list, (came, every))| (list, came, every)).collect()
    }

    /// Starts to ask for the lists that are due. Whether a target file changed since the last look.
    pub(super) fn look(&mut self, setup: &Arc<Setup>) -> bool {
        let now = Instant::now();
        let (sources, _) = setup.loaded.http_sources();
        for source in sources {
            if self.due.get(source.url.as_str()).is_some_and(|due| *due > now) {
                continue;
            }
            self.due.insert(source.url.to_string(), now + source.refresh.max(source.timeout));
            let (source, setup) = (source.clone(), Arc::clone(setup));
            self.asking.spawn(async move {
                let came = fetch(&source, setup.loaded.http_sources().1).await;
                (source, came)
            });
        }
        let seen = look(setup);
        std::mem::replace(&mut self.files, seen.clone()) != seen
    }

    /// Waits for a list that was asked for. Whether it has changed; an error leaves the list that was there.
    pub(super) async fn arrived(&mut self) -> Result<bool, FetchError> {
        loop {
            match self.asking.join_next().await {
                Some(Ok((source, came))) => {
                    let text = came?;
                    self.came.insert(source.url.to_string(), Utc::now());
                    let before = self.fetched.insert(source.url.to_string(), text.clone());
                    return Ok(before.as_ref() != Some(&text));
                }
                Some(Err(error)) => tracing::error!(%error, "fetching a target list ended in a defect"),
                None => futures::future::pending().await,
            }
        }
    }

    fn note(&mut self, source: &HttpSource, came: Result<String, FetchError>) {
        self.due.insert(source.url.to_string(), Instant::now() + source.refresh);
        self.came.insert(source.url.to_string(), Utc::now());
        match came {
            Ok(text) => {
                self.fetched.insert(source.url.to_string(), text);
            }
            Err(error) => tracing::warn!(%error, "a target list did not come; its assets are not watched"),
        }
    }
}

/// An address without user, password and query.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

fn sha256(bytes: &[u8]) -> String {
    Digest(Sha256::digest(bytes).into()).to_string()
}

fn look(setup: &Setup) -> Look {
    let about = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok()?;
        Some((about.modified().ok()?, about.len()))
    };
    setup.loaded.watched_files().into_iter().map(|file| (file.clone(), about(&file))).collect()
}
