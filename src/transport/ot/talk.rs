//! One bounded conversation over TCP: so many bytes, so much time, and an orderly close whatever happens.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::model::Transport;
use crate::transport::gate::{Gate, Refusal, Stream};
use crate::transport::{Endpoint, TransportError, printable};

/// Longest piece of a failure that is quoted, in characters.
const MAX_QUOTE: usize = 120;

/// How much an asset may make us wait and take in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Longest wait for the connect, and for everything after it together.
    pub(super) timeout: Duration,
    /// Most bytes taken in.
    pub(super) bytes: usize,
}

/// An open conversation.
pub(super) struct Talk<S = Stream> {
    stream: S,
    gate: Gate,
    transport: Transport,
    endpoint: Endpoint,
    bounds: Bounds,
    taken: usize,
    until: Instant,
    failure: Option<io::Error>,
}

impl Talk {
    /// Connects; nothing is sent yet.
    pub(super) async fn open(
        gate: &Gate,
        transport: Transport,
        port: u16,
        bounds: Bounds,
    ) -> Result<Self, TransportError> {
        let stream = gate.connect(transport, port, bounds.timeout).await?;
        Ok(Self::over(stream, gate, transport, port, bounds))
    }

    /// Closes in order.
    pub(super) async fn close(self) {
        self.stream.close().await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// A conversation over a connection that is open already.
    pub(super) fn over(stream: S, gate: &Gate, transport: Transport, port: u16, bounds: Bounds) -> Self {
        let endpoint = Endpoint::new(transport.word(), gate.address(), port);
        let until = Instant::now() + bounds.timeout;
        Self { stream, gate: gate.clone(), transport, endpoint, bounds, taken: 0, until, failure: None }
    }

    /// Sends one message as a whole.
    pub(super) async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        match timeout_at(self.until, self.stream.write_all(message)).await {
            Err(_) => Err(self.late()),
            Ok(Err(error)) => Err(self.failed(error)),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Waits for exactly so many bytes.
    pub(super) async fn take(&mut self, count: usize) -> Result<Vec<u8>, TransportError> {
        self.taken = self.taken.saturating_add(count);
        if self.taken > self.bounds.bytes {
            return Err(self.broken(format!("it wants to say more than {} bytes", self.bounds.bytes)));
        }
        let mut bytes = vec![0; count];
        match timeout_at(self.until, self.stream.read_exact(&mut bytes)).await {
            Err(_) => Err(self.late()),
            Ok(Err(error)) => Err(self.failed(error)),
            Ok(Ok(_)) => Ok(bytes),
        }
    }

    /// Waits for exactly so many bytes as fit the array.
    pub(super) async fn array<const N: usize>(&mut self) -> Result<[u8; N], TransportError> {
        let mut array = [0; N];
        array.copy_from_slice(&self.take(N).await?);
        Ok(array)
    }

    /// The asset broke the protocol.
    pub(super) fn broken(&self, problem: impl Into<String>) -> TransportError {
        TransportError::Protocol { endpoint: self.endpoint.clone(), problem: problem.into() }
    }

    /// What the connection itself said when it failed, for a layer that can read it.
    pub(super) const fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    fn late(&self) -> TransportError {
        TransportError::Timeout { endpoint: self.endpoint.clone(), timeout: self.bounds.timeout }
    }

    /// A conversation that the kill switch cut says nothing about the asset.
    fn failed(&mut self, error: io::Error) -> TransportError {
        if let Err(refusal @ Refusal::Inactive(_)) = self.gate.is_open(self.transport) {
            return refusal.into();
        }
        let sorted = match error.kind() {
            io::ErrorKind::UnexpectedEof => self.broken("it closed the connection before it had answered"),
            io::ErrorKind::InvalidData => self.broken(printable::line(&error.to_string(), MAX_QUOTE)),
            kind => TransportError::from_io(
                self.endpoint.clone(),
                self.bounds.timeout,
                io::Error::new(kind, error.to_string()),
            ),
        };
        self.failure = Some(error);
        sorted
    }
}
