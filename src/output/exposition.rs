//! The exposition: told what happens, asked what is known.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::TimeDelta;

use super::assets::Identity;
use super::baselines::Baselines;
use super::certificates::Certificates;
use super::duties::Duties;
use super::gates::Gates;
use super::own::{self, Own};
use super::parts::Parts;
use super::story::Standings;
use super::table::{PER_PAGE, Table};
use super::text::{self, Text};
use super::transitions::Transitions;
use super::{Format, process};
use crate::catalog::Catalog;
use crate::duties::Book;
use crate::engine::{Listener, Plan};
use crate::model::{AssetId, CheckResult, Time, Transition, Transport, Value};
use crate::store::{BaselineSummary, Latest, Visit};
use crate::transport::gate::Gate;

/// What a loaded plant has to show.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Who is asked what.
    pub plan: &'a Plan,
    /// The checks and the law behind them.
    pub catalog: &'a Catalog,
    /// The gate of each asset, for its books.
    pub gates: &'a HashMap<AssetId, Gate>,
    /// The states that the store knows.
    pub latest: &'a [Latest],
    /// How the pairs stand that are not well.
    pub standings: &'a Standings,
    /// The certificates that were last seen.
    pub certificates: &'a Certificates,
    /// The last visits that the store knows.
    pub visits: &'a [Visit],
}

/// One scrape's answer, in parts that are shared with the pages and not copied.
#[derive(Debug, Clone)]
pub struct Body {
    /// The bytes, to be sent one behind the other.
    pub chunks: Vec<Bytes>,
    /// The format they are in.
    pub format: Format,
    /// Whether they are one gzip member, for the header `Content-Encoding`.
    pub gzip: bool,
}

impl Body {
    /// Bytes altogether, for the header `Content-Length`.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// The whole in one piece; copies it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.chunks.concat()
    }
}

/// Everything that `/metrics` shows; cloning shares it. The engine tells it through [`Listener`].
///
/// What belongs to one verdict changes in one step, and a scrape takes all pages of the plan in one step, so no
/// scrape sees half a verdict. Locks are held for microseconds by the engine's calls, and for a few milliseconds at
/// most by a scrape of 10,000 assets; compression happens outside of them.
#[derive(Clone)]
pub struct Exposition(Arc<Inner>);

struct Inner {
    own: Own,
    // locked in this order where both are needed
    gates: Mutex<Gates>,
    table: Mutex<Table>,
    transitions: Mutex<Transitions>,
    duties: Mutex<Duties>,
    baselines: Mutex<Baselines>,
}

impl Exposition {
    /// Shows the daemon's own metrics, and no plant before [`Self::replace`].
    #[must_use]
    pub fn new(own: Own) -> Self {
        let (gates, table, transitions) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (duties, baselines) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { own, gates, table, transitions, duties, baselines }))
    }

    /// The daemon's own metrics.
    #[must_use]
    pub fn own(&self) -> &Own {
        &self.0.own
    }

    /// Shows a (re)loaded plant, whole and at once: the states of before the restart with the times they began, and
    /// nothing of what left the plan. A pair that was never judged is shown as unknown, cause `no_data`, since its
    /// plan was first loaded. What is told between the reading of `scope.latest` and the end of this call is lost until it
    /// is told again, so call it while no daemon runs.
    pub fn replace(&self, scope: &Scope<'_>, now: Time) {
        let kept = lock(&self.0.table).kept();
        let table = Table::new(scope, &kept, now);
        let members = scope.plan.assets.iter().map(|planned| &planned.member.asset);
        let books = members.clone().filter_map(|asset| {
            let gate = scope.gates.get(&asset.id)?;
            Some((asset.id.clone(), gate.books().clone()))
        });
        let new_gates = Gates::new(books, PER_PAGE);
        let zones: BTreeSet<_> = members.map(|asset| &asset.zone).collect();
        let (mut gates, mut shown) = (lock(&self.0.gates), lock(&self.0.table));
        *gates = new_gates;
        let before = std::mem::replace(&mut *shown, table);
        drop((gates, shown));
        lock(&self.0.transitions).of_zones(&zones);
        drop(before);
    }

    /// Shows when waivers and statements end and by when incidents are reported, as it stands now.
    pub fn duties(&self, book: &Book, now: Time) {
        *lock(&self.0.duties) = Duties::new(book, now);
    }

    /// Shows how baselines stand, as the store counted them.
    pub fn baselines(&self, summary: &BaselineSummary) {
        *lock(&self.0.baselines) = Baselines::new(summary);
    }

    /// What is known now. Costs some milliseconds of processor time at 10,000 assets, and some tens when nothing is
    /// compressed yet: call it where blocking is allowed.
    #[must_use]
    pub fn body(&self, format: Format, gzip: bool) -> Body {
        let start = Instant::now();
        let mut parts = Parts::new(format);
        {
            let mut gates = lock(&self.0.gates);
            gates.refresh();
            lock(&self.0.table).collect(&mut parts);
            gates.collect(&mut parts);
        }
        let mut tail = Vec::new();
        lock(&self.0.transitions).render(format, &mut tail);
        lock(&self.0.duties).render(format, &mut tail);
        lock(&self.0.baselines).render(format, &mut tail);
        self.0.own.render(format, &mut tail);
        process::render(format, &mut tail);
        own::end(format, &mut tail);
        parts.rendered(tail);
        let chunks = if gzip { text::gzip(&parts.texts) } else { parts.texts.iter().map(Text::share).collect() };
        self.0.own.scraped(format, start.elapsed());
        Body { chunks, format, gzip }
    }
}

impl Listener for Exposition {
    fn judged(&self, result: &CheckResult, since: Time) {
        lock(&self.0.table).judged(result, since);
    }

    fn changed(&self, transition: &Transition) {
        lock(&self.0.transitions).note(transition);
    }

    fn visited(&self, asset: &AssetId, at: Time, took: Duration, reachable: &[(Transport, bool)]) {
        self.0.own.visited();
        lock(&self.0.table).visited(asset, at, took, reachable);
    }

    fn identified(&self, asset: &AssetId, device: &Value) {
        let identity = Identity::of(device);
        lock(&self.0.table).identified(asset, identity);
    }

    fn panicked(&self, _asset: &AssetId) {
        self.0.own.panicked();
    }

    fn unrecorded(&self, _asset: &AssetId) {
        self.0.own.store_failed();
    }

    fn load(&self, lag: TimeDelta, in_flight: usize) {
        self.0.own.load(lag, in_flight);
    }
}

/// A panic elsewhere leaves at most one page a line behind, which the next judgement puts right.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
