//! The do-no-harm ledger: what was sent to an asset, by transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::Transport;

const TRANSPORTS: usize = Transport::ALL.len();

/// Counts of one asset, by transport; cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Books(Arc<[Counters; TRANSPORTS]>);

#[derive(Debug, Default)]
struct Counters {
    packets: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Entry {
    /// Datagrams, and for TCP the writes handed to the kernel.
    pub packets: u64,
    /// Connections attempted.
    pub connections: u64,
    /// Requests that the gate refused.
    pub refused: u64,
    /// Payload bytes sent.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
}

impl Books {
    /// The counts of one transport.
    #[must_use]
    pub fn entry(&self, transport: Transport) -> Entry {
        let counters = self.of(transport);
        Entry {
            packets: counters.packets.load(Ordering::Relaxed),
            connections: counters.connections.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
            bytes_sent: counters.bytes_sent.load(Ordering::Relaxed),
            bytes_received: counters.bytes_received.load(Ordering::Relaxed),
        }
    }

    /// The transports that were used or refused, with their counts.
    pub fn entries(&self) -> impl Iterator<Item = (Transport, Entry)> {
        Transport::ALL
            .iter()
            .map(|transport| (*transport, self.entry(*transport)))
            .filter(|(_, entry)| *entry != Entry::default())
    }

    pub(super) fn connection(&self, transport: Transport) {
        self.of(transport).connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, transport: Transport) {
        self.of(transport).refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sent(&self, transport: Transport, bytes: usize) {
        self.of(transport).packets.fetch_add(1, Ordering::Relaxed);
        self.of(transport).bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, transport: Transport, bytes: usize) {
        self.of(transport).bytes_received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn of(&self, transport: Transport) -> &Counters {
        &self.0[transport as usize]
    }
}
