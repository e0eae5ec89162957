//! The way of every datagram: through the visit's slot at the gate, booked when it leaves.
//!
//! The library retries, discovers engines and corrects clocks by itself; because it can only do so through this
//! type, each of those datagrams is in the books and none leaves after the kill switch.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_snmp::{Candidate, Error, ReceiveLimits, RequestRegistration, Result, Transport, UdpHandle};
use bytes::Bytes;

use crate::transport::gate::{Refusal, Slot};

/// One visit's share of the socket; cloning shares slot and counts.
#[derive(Clone)]
pub(super) struct Wire {
    handle: UdpHandle,
    line: Arc<Line>,
}

struct Line {
    slot: Slot,
    sent: AtomicU64,
    heard: AtomicU64,
    bytes: AtomicU64,
}

impl Wire {
    pub(super) fn new(handle: UdpHandle, slot: Slot) -> Self {
        let line = Line { slot, sent: AtomicU64::new(0), heard: AtomicU64::new(0), bytes: AtomicU64::new(0) };
        Self { handle, line: Arc::new(line) }
    }

    /// The same visit over another socket.
    pub(super) fn over(&self, handle: UdpHandle) -> Self {
        Self { handle, line: Arc::clone(&self.line) }
    }

    /// Datagrams that came to the socket, from anybody, and belonged to no request that was waiting.
    pub(super) fn strays(&self) -> u64 {
        let stats = self.handle.stats();
        stats.malformed_datagrams + stats.discarded_datagrams
    }

    /// Datagrams sent in this visit.
    pub(super) fn sent(&self) -> u64 {
        self.line.sent.load(Ordering::Relaxed)
    }

    /// Datagrams that came back and belonged to a request of this visit, trusted or not.
    pub(super) fn heard(&self) -> u64 {
        self.line.heard.load(Ordering::Relaxed)
    }

    /// Bytes that came back.
    pub(super) fn bytes(&self) -> u64 {
        self.line.bytes.load(Ordering::Relaxed)
    }

    /// What the gate says now, if the kill switch acted.
    pub(super) fn stopped(&self) -> Option<Refusal> {
        self.line.slot.stop().is_cancelled().then(|| Refusal::Inactive("the whole plant".into()))
    }

    fn book(&self, bytes: usize) -> Result<()> {
        self.line.slot.datagram(bytes).map_err(|_| self.cut().boxed())?;
        self.line.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn hear(&self, bytes: usize) {
        self.line.slot.received(bytes);
        self.line.heard.fetch_add(1, Ordering::Relaxed);
        self.line.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn cut(&self) -> Error {
        let source = std::io::Error::other("the kill switch stopped all traffic");
        Error::Network { target: self.handle.peer_addr(), source }
    }
}

impl Transport for Wire {
    async fn send(&self, data: &[u8]) -> Result<()> {
        self.book(data.len())?;
        self.handle.send(data).await
    }

    async fn send_with_timeout(&self, data: &[u8], timeout: Duration) -> Result<()> {
        self.book(data.len())?;
        self.handle.send_with_timeout(data, timeout).await
    }

    async fn request_with<T, F>(&self, data: &[u8], registration: RequestRegistration, mut validate: F) -> Result<T>
    where
        T: Send,
        F: FnMut(Bytes, SocketAddr) -> Result<Candidate<T>> + Send,
    {
        self.book(data.len())?;
        let listen = |answer: Bytes, from| {
            self.hear(answer.len());
            validate(answer, from)
        };
        tokio::select! {
            biased;
            () = self.line.slot.stop().cancelled() => Err(self.cut().boxed()),
            answer = self.handle.request_with(data, registration, listen) => answer,
        }
    }

    fn peer_addr(&self) -> SocketAddr {
        self.handle.peer_addr()
    }

    fn local_addr(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    fn is_reliable(&self) -> bool {
        false
    }

    fn receive_limits(&self) -> ReceiveLimits {
        self.handle.receive_limits()
    }

    fn send_capacity(&self) -> usize {
        self.handle.send_capacity()
    }
}
