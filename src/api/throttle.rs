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

    /// Takes one try, before the work that it pays for, so that many at once are no more than one after another.
    ///
    /// # Errors
    ///
    /// How long the key must wait; nothing was taken.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        let now = Instant::now();
        let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = rested.get(key).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        if let Some(wait) = debt.checked_sub(self.every * (self.burst - 1)).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        if rested.len() >= KEYS && !rested.contains_key(key) {
            forget(&mut rested, now);
        }
        rested.insert(key.clone(), now + debt + self.every);
        Ok(())
    }

    /// Gives a try back that came out well.
    pub(super) fn give_back(&self, key: &K) {
        let mut rested = self.rested.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = rested.get_mut(key) {
            *at = at.checked_sub(self.every).unwrap_or(*at);
        }
    }
}

/// Makes room: those who have rested go, else the half that has rested longest.
fn forget<K: Hash + Eq>(rested: &mut HashMap<K, Instant>, now: Instant) {
    rested.retain(|_, at| *at > now);
    if rested.len() >= KEYS {
        let mut ends: Vec<_> = rested.values().copied().collect();
        let (_, middle, _) = ends.select_nth_unstable(KEYS / 2);
        let middle = *middle;
        rested.retain(|_, at| *at > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_one_waits_and_others_do_not() {
        let throttle = Throttle::new(3, Duration::from_secs(10));
        for _ in 0..3 {
            assert_eq!(throttle.take(&"a"), Ok(()));
        }
        assert_eq!(throttle.take(&"a"), Err(Duration::from_secs(10)));
        assert_eq!(throttle.take(&"b"), Ok(()));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(throttle.take(&"a"), Ok(()));
        assert_eq!(throttle.take(&"a"), Err(Duration::from_secs(10)));
        throttle.give_back(&"a");
        assert_eq!(throttle.take(&"a"), Ok(()), "what came out well costs nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_owes_most_is_remembered_when_there_are_too_many() {
        let throttle = Throttle::new(2, Duration::from_secs(10));
        throttle.take(&0).unwrap();
        throttle.take(&0).unwrap();
        for key in 1..=KEYS {
            throttle.take(&key).unwrap();
        }
        assert!(throttle.take(&0).is_err());
        assert!(throttle.rested.lock().unwrap().len() <= KEYS);
    }
}
