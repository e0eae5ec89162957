//! What was seen, kept: latest verdicts, transitions as a hash chain, evidence, host keys, first-seen times.
//!
//! [`Store`] is the seam: callers hold an `Arc<dyn Store>` and never learn which database is behind it. The
//! store judges nothing, sends nothing and reads no clock: time comes with the data.

mod anchor;
mod baseline;
mod error;
mod key;
pub mod offline;
mod place;
mod record;
mod sqlite;

use std::path::PathBuf;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use anchor::{Anchor, Anchors};
pub use baseline::{
    Approved, Baseline, BaselineAct, BaselineChange, BaselineFilter, BaselineSummary, Planned, Sighting,
};
pub use error::StoreError;
pub use key::{KeyError, PublicKey, SigningKey};
pub use place::Obstacle;
pub use record::{
    Act, ActRecord, Break, ChainRecord, Change, Digest, Examination, Filter, Head, Latest, LedgerRecord, NotAHead,
    Past, Seen, Stored, Turn, Verification, Visit,
};
pub use sqlite::Sqlite;

use crate::model::{AssetId, CheckId, CheckResult, FactId, Sample, Time, Transition};

/// Settings of the store, `store:` in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The database file, created with mode 0600 if it is not there; `:memory:` keeps nothing.
    pub path: PathBuf,
    /// Different judgements kept for each (asset, check) beside the latest.
    pub keep_evidence: u32,
    /// Days after which older judgements are dropped; transitions are never dropped.
    pub keep_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/var/lib/nis2watch/nis2watch.db".into(),
            keep_evidence: 50,
            // a yearly audit, and a month to prepare it
            keep_days: 400,
        }
    }
}

/// What every call returns: the answer once it is known, or why there is none.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Keeps what was seen. The engine writes; the engine at start, the API and the commands read.
///
/// The contract that every implementation keeps:
/// - A write has survived a crash of the process, and of the machine, when its future is ready. So the caller
///   shows a verdict to anybody only after [`Store::record`] returned: a crash then loses at most the visit
///   under way, never a verdict that was reported.
/// - A write is whole or not at all, and writes of one caller keep their order.
/// - Dropping a future does not undo the write: it may still happen.
/// - Reads see every write that was acknowledged before they started, and do not hold up writers.
/// - An error means "not done". Nothing is retried here; [`StoreError::Stopped`] is for ever.
pub trait Store: Send + Sync {
    /// Takes what visits left behind: their results become the latest verdicts, their evidence, and a transition in the
    /// chain for each whose state word changed. Returns those transitions, in the order of the results. All of it is
    /// one write, so the more visits come together, the fewer waits on the disk.
    ///
    /// The since-time of a pair moves to `at` of the result when the state word changes, and only then: a
    /// different cause of the same unknown is no new state.
    fn record_all(&self, seen: Vec<Seen>) -> Answer<'_, Vec<Transition>>;

    /// The same for results that no visit stands behind.
    fn record(&self, results: Vec<CheckResult>) -> Answer<'_, Vec<Transition>> {
        self.record_all(vec![Seen { results, ..Seen::default() }])
    }

    /// State and times of every (asset, check), ordered by asset and check; a restart shows them before any visit.
    fn latest(&self) -> Answer<'_, Vec<Latest>>;

    /// Latest judgements in full, ordered by asset and check.
    fn results(&self, filter: Filter, limit: usize) -> Answer<'_, Vec<Stored>>;

    /// Latest judgements of these pairs in full, in their order; a pair that was never judged is left out.
    fn judgements(&self, pairs: Vec<(AssetId, CheckId)>) -> Answer<'_, Vec<Stored>>;

    /// Transitions, newest first.
    fn transitions(&self, filter: Filter, limit: usize) -> Answer<'_, Vec<LedgerRecord>>;

    /// What makes up the past of every pair from a moment on: the last change before it, which says how the pair stood, and
    /// every one since; oldest first.
    fn changes(&self, from: Time) -> Answer<'_, Vec<Change>>;

    /// The pasts of the pairs that fail or are unknown now, ordered by asset and check, from behind a pair on, as many pairs as
    /// asked for. A past reaches back to first sight, or to the last state that was neither of the two.
    fn pasts(&self, after: Option<(AssetId, CheckId)>, pairs: usize) -> Answer<'_, Vec<Past>>;

    /// Different judgements of one pair, newest first; equal ones in a row are one entry with a count.
    fn evidence(&self, asset: &AssetId, check: &CheckId, limit: usize) -> Answer<'_, Vec<Stored>>;

    /// The last visit of every asset.
    fn last_visits(&self) -> Answer<'_, Vec<Visit>>;

    /// Fingerprints learnt for an endpoint of an asset; empty when there are none.
    fn host_keys(&self, asset: &AssetId, endpoint: &str) -> Answer<'_, Vec<String>>;

    /// Remembers a fingerprint.
    fn learn_host_key(&self, asset: &AssetId, endpoint: &str, fingerprint: &str, now: Time) -> Answer<'_, ()>;

    /// Forgets what was learnt about an asset, after an operator confirmed a changed key; returns how many. Learning and
    /// forgetting stand in the chain.
    fn forget_host_keys(&self, asset: &AssetId, actor: &str, now: Time) -> Answer<'_, usize>;

    /// When each key of a fact was first seen, in the order of `keys`; a new key was first seen `now`.
    /// A key that a call does not name, and that none named for 30 days, is forgotten. Never later than `now`. A store
    /// opened for reading answers from what it has and notes nothing.
    fn first_seen(&self, asset: &AssetId, fact: &FactId, keys: Vec<String>, now: Time) -> Answer<'_, Vec<Time>>;

    /// The samples of a fact, oldest first: those at or after `from`, and the newest one before it.
    fn samples(&self, asset: &AssetId, fact: &FactId, from: Time) -> Answer<'_, Vec<Sample>>;

    /// Keeps a sample, and forgets those of the fact that [`Store::samples`] would not give for `from`. One that is hardly
    /// newer than the last is not kept, unless `every` one counts. A store opened for reading, or gone with the process,
    /// keeps nothing.
    fn keep_sample(&self, asset: &AssetId, fact: &FactId, sample: Sample, from: Time, every: bool) -> Answer<'_, ()>;

    /// Drops the latest verdict of every pair that is not in the plan, after writing to the chain that it left;
    /// its evidence stays until it ages out. Returns how many left.
    fn retain(&self, plan: Vec<(AssetId, CheckId)>, now: Time) -> Answer<'_, usize>;

    /// A small setting that survives restarts, such as the kill switch; false until it is set.
    fn flag(&self, name: &str) -> Answer<'_, bool>;

    /// Sets it, and writes into the chain who did, as an act of the kind `flag.NAME` about `on` or `off`.
    fn set_flag(&self, name: &str, on: bool, actor: &str, now: Time) -> Answer<'_, ()>;

    /// A small text that a part of the daemon left for itself; `None` until it does.
    fn note(&self, name: &str) -> Answer<'_, Option<String>>;

    /// Leaves it, in the place of the one before. The chain does not hear of it: it is no evidence, only a bookmark.
    fn keep_note(&self, name: &str, text: &str) -> Answer<'_, ()>;

    /// Writes what a person did into the chain; returns where it stands. Nothing of it is ever cut: an act with more than
    /// 64 KiB of text is refused.
    fn act(&self, act: Act) -> Answer<'_, Head>;

    /// The acts behind a number, oldest first; 0 gives all.
    fn acts(&self, after: u64) -> Answer<'_, Vec<ActRecord>>;

    /// What was seen, approved and announced of values that have a baseline, ordered by asset and check. A store that is gone
    /// with the process knows nothing of approvals, and says so.
    fn baselines(&self, filter: BaselineFilter) -> Answer<'_, Vec<Baseline>>;

    /// How all baselines stand.
    fn baseline_summary(&self) -> Answer<'_, BaselineSummary>;

    /// Writes what a person did to baselines into the chain and does it, all or nothing; returns where the chain stands. It is
    /// refused when what was looked at is no longer what is there, and where nothing stands to be taken back.
    fn act_on_baselines(&self, acts: Vec<BaselineAct>) -> Answer<'_, Option<Head>>;

    /// The last record of the chain; `None` while it is empty. Keep it elsewhere: it anchors all before it.
    fn head(&self) -> Answer<'_, Option<Head>>;

    /// Writes digests of the whole state into the chain, which bind also what is renewed without a record: times of
    /// repeated judgements, visits, samples. Returns where the chain ends then.
    fn checkpoint(&self, now: Time) -> Answer<'_, Head>;

    /// The records of the chain behind a number, as they are digested; 0 begins with the first.
    fn chain(&self, after: u64, limit: usize) -> Answer<'_, Vec<ChainRecord>>;

    /// Walks the whole chain and holds against it all that is kept, and heads that were noted earlier.
    /// Tampering is a finding in the answer, not an error.
    fn verify(&self, noted: Vec<Head>) -> Answer<'_, Verification>;
}
