//! How often something may be tried: so many at once, then as many a minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Keys that are remembered; beyond that, those that have rested longest are forgotten.
const KEYS: usize = 4_096;

/// Counts by key; each may do `burst` at once and gets one back every `every`.
#[derive(Debug)]
pub(super) struct Throttle<K> {
    burst: u32,
    every: Duration,
    /// When each key will be as fresh as a new one.
    rested: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq + Clone> Throttle<K> {
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, rested: Mutex::default() }
    }

    /// How long a key must wait, if it must; counts nothing.
    pub(super) fn wait(&self, key: &K) -> Option<Duration> {
        let rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = rested.get(key)?.saturating_duration_since(Instant::now());
        debt.checked_sub(self.every * (self.burst - 1)).filter(|wait| !wait.is_zero())
    }

    /// Counts one.
    pub(super) fn count(&self, key: &K) {
        let now = Instant::now();
        let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        if rested.len() >= KEYS {
            rested.retain(|_, at| *at > now);
            if rested.len() >= KEYS {
                rested.clear();
            }
        }
        let until = rested.entry(key.clone()).or_insert(now);
        *until = (*until).max(now) + self.every;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_one_waits_and_others_do_not() {
        let throttle = Throttle::new(3, Duration::from_secs(10));
        for _ in 0..3 {
            assert_eq!(throttle.wait(&"a"), None);
            throttle.count(&"a");
        }
        assert_eq!(throttle.wait(&"a"), Some(Duration::from_secs(10)));
        assert_eq!(throttle.wait(&"b"), None);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(throttle.wait(&"a"), None);
    }
}
