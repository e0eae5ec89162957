//! What a service manager is told (`sd_notify(3)`). Without one, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};

pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

pub(super) fn reloading() {
    // the manager wants to know since when (sd_notify(3), MONOTONIC_USEC)
    if let Ok(since) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, since]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot reach the service manager");
    }
}

/// The manager's watchdog, if it has one.
pub(super) struct Watchdog(Option<Interval>);

impl Watchdog {
    /// Half of the time that the manager allows, as it recommends.
    pub(super) fn new() -> Self {
        let every = sd_notify::watchdog_enabled().map(|limit| limit / 2).filter(|every| *every > Duration::ZERO);
        Self(every.map(|every| {
            let mut interval = interval(every);
            interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
            interval
        }))
    }

    /// Waits until the manager wants a sign of life; for ever without one.
    pub(super) async fn due(&mut self) {
        match &mut self.0 {
            Some(interval) => {
                interval.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}
