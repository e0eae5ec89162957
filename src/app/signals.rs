//! What the system tells a daemon.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// SIGTERM or SIGINT: finish what is under way and end.
    Stop,
    /// SIGHUP: load the configuration again.
    Reload,
}

/// The signals that mean something to us.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    /// Waits for a wish to stop; a wish to reload that comes meanwhile is dropped.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}
