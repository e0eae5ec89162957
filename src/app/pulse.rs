//! Whether the loop that visits is alive, seen from outside of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use crate::api::Board;
use crate::engine::Listener;
use crate::model::{AssetId, CheckResult, Time, Transition, Transport, Value};
use crate::output::notify::Bell;
use crate::store::Visit;

/// The loop turns at least once a minute; twice missed means that it stands.
const STANDS_AFTER: TimeDelta = TimeDelta::minutes(3);

/// When the loop last turned; cloning shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<AtomicI64>);

impl Pulse {
    pub(super) fn beat(&self, now: Time) {
        self.0.store(now.timestamp(), Ordering::Relaxed);
    }

    pub(super) fn is_alive(&self, now: Time) -> bool {
        now.timestamp() - self.0.load(Ordering::Relaxed) <= STANDS_AFTER.num_seconds()
    }
}

/// A listener that feels the pulse, keeps the board, rings for those who tell of changes, and passes everything on.
pub(super) struct Felt<L> {
    pub(super) inner: L,
    pub(super) board: Board,
    pub(super) pulse: Pulse,
    pub(super) bell: Bell,
    pub(super) clock: fn() -> Time,
}

impl<L: Listener> Listener for Felt<L> {
    fn judged(&self, result: &CheckResult, since: Time) {
        self.board.judged(result, since);
        self.inner.judged(result, since);
    }

    fn changed(&self, transition: &Transition) {
        self.board.changed(transition);
        self.inner.changed(transition);
        self.bell.ring();
    }

    fn visited(&self, asset: &AssetId, at: Time, took: Duration, reachable: &[(Transport, bool)]) {
        self.board.visited(Visit { asset: asset.clone(), at, duration: took, reachable: reachable.to_vec() });
        self.inner.visited(asset, at, took, reachable);
    }

    fn identified(&self, asset: &AssetId, device: &Value) {
        self.board.identified(asset, device);
        self.inner.identified(asset, device);
    }

    fn panicked(&self, asset: &AssetId) {
        self.inner.panicked(asset);
    }

    fn unrecorded(&self, asset: &AssetId) {
        self.inner.unrecorded(asset);
    }

    fn load(&self, lag: TimeDelta, in_flight: usize) {
        self.pulse.beat((self.clock)());
        self.inner.load(lag, in_flight);
    }
}
