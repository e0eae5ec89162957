//! Waiting for something to become true, never for time to pass.

use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Looks until there is something; `what` is said when that does not happen within `limit`.
pub(crate) fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(LOOK);
    }
}

/// Looks again and again for as long as `span`: what must not happen can only be proven by giving it time.
pub(crate) fn never(what: &str, span: Duration, mut happens: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < span {
        assert!(!happens(), "after {:?}: {what}", start.elapsed());
        std::thread::sleep(LOOK);
    }
}

/// Runs scenarios side by side, and says which of them failed; what went wrong they say themselves.
pub(crate) fn together(scenarios: &[(&str, fn())]) {
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let running = scenarios.iter().map(|(name, scenario)| (*name, scope.spawn(scenario)));
        let running: Vec<_> = running.collect();
        running.into_iter().filter_map(|(name, thread)| thread.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "failed: {failed:?}");
}
