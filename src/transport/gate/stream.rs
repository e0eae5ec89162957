//! A TCP connection that the gate let through: counted, and cut at once by the kill switch.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Slot;

/// Longest wait for the peer's own close; a reset is sent only by a peer that leaves data unread.
const CLOSE_WAIT: Duration = Duration::from_millis(300);
/// Most bytes thrown away while closing.
const CLOSE_DRAIN: usize = 64 * 1024;

/// An open connection; the asset's slot is free again when it is dropped.
pub struct Stream {
    inner: TcpStream,
    slot: Slot,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Stream {
    pub(super) fn new(inner: TcpStream, slot: Slot) -> Self {
        let stopped = Box::pin(CancellationToken::cancelled_owned(slot.stop().clone()));
        Self { inner, slot, stopped }
    }

    /// The peer's address, for messages.
    #[must_use]
    pub fn peer(&self) -> Option<std::net::SocketAddr> {
        self.inner.peer_addr().ok()
    }

    /// Closes in order: says goodbye, takes what is still on its way, and lets go. Dropping a connection with
    /// unread bytes would make the kernel send a reset, which weak devices take badly (rule 3).
    pub async fn close(mut self) {
        let goodbye = async {
            self.inner.shutdown().await.ok();
            let (mut rest, mut taken) = ([0_u8; 4096], 0);
            while taken < CLOSE_DRAIN {
                match self.inner.read(&mut rest).await {
                    Ok(0) | Err(_) => break,
                    Ok(n) => taken += n,
                }
            }
        };
        tokio::time::timeout(CLOSE_WAIT, goodbye).await.ok();
    }

    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.stopped.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the kill switch stopped all traffic"))
            }
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.slot.received(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.slot.datagram(written).map_err(io::Error::other)?;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
