//! The byte stream below a session: ours or tunnelled, cut at will, closed in order.
//!
//! russh keeps its session in a task of its own that outlives a caller who gave up, as long as a silent peer
//! keeps the connection open. The cut ends it, and with it the asset's slot at the gate.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use russh::{ChannelStream, client};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::transport::gate::{Slot, Stream};

/// First bytes kept for messages.
const OPENING: usize = 96;

/// What a peer said first, shared with whoever explains a failure.
#[derive(Debug, Clone, Default)]
pub(super) struct Opening(Arc<Mutex<Vec<u8>>>);

impl Opening {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = OPENING.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }
}

/// A stream that a session runs over.
pub(super) struct Line {
    /// `None` only while it is dropped.
    way: Option<Way>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    opening: Opening,
    counted: usize,
}

enum Way {
    /// A connection of our own.
    Direct(Stream),
    /// A channel of a jump host, with the target's slot, which counts for it.
    Tunnel(ChannelStream<client::Msg>, Slot),
}

impl Line {
    pub(super) fn direct(stream: Stream, cut: &CancellationToken, opening: Opening) -> Self {
        Self::new(Way::Direct(stream), cut.clone(), opening)
    }

    pub(super) fn tunnel(
        channel: ChannelStream<client::Msg>,
        slot: Slot,
        cut: &CancellationToken,
        opening: Opening,
    ) -> Self {
        // the kill switch cuts a connection of our own by itself; here we must
        let (stop, cut_too) = (slot.stop().clone(), cut.clone());
        let ended = cut.clone();
        tokio::spawn(async move {
            tokio::select! { () = stop.cancelled() => cut_too.cancel(), () = ended.cancelled() => {} }
        });
        Self::new(Way::Tunnel(channel, slot), cut.clone(), opening)
    }

    fn new(way: Way, cut: CancellationToken, opening: Opening) -> Self {
        Self { way: Some(way), cut: Box::pin(cut.cancelled_owned()), opening, counted: 0 }
    }

    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<&mut Way> {
        match (self.cut.as_mut().poll(cx), &mut self.way) {
            (Poll::Pending, Some(way)) => Ok(way),
            _ => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut")),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // close in order (rule 3): bounded by the gate, and the slot is kept until it is done
        if let (Some(Way::Direct(stream)), Ok(runtime)) = (self.way.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(stream.close());
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match self.check(cx)? {
            Way::Direct(stream) => ready!(Pin::new(stream).poll_read(cx, buf))?,
            Way::Tunnel(channel, slot) => {
                ready!(Pin::new(channel).poll_read(cx, buf))?;
                slot.received(buf.filled().len() - before);
            }
        }
        if self.counted < OPENING {
            self.counted += buf.filled().len() - before;
            self.opening.note(&buf.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.check(cx)? {
            Way::Direct(stream) => Pin::new(stream).poll_write(cx, buf),
            Way::Tunnel(channel, slot) => {
                let written = ready!(Pin::new(channel).poll_write(cx, buf))?;
                slot.datagram(written).map_err(io::Error::other)?;
                Poll::Ready(Ok(written))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.check(cx)? {
            Way::Direct(stream) => Pin::new(stream).poll_flush(cx),
            Way::Tunnel(channel, _) => Pin::new(channel).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.check(cx)? {
            Way::Direct(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Tunnel(channel, _) => Pin::new(channel).poll_shutdown(cx),
        }
    }
}
