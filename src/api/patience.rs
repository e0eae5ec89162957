//! A connection that ends when its client takes too long: to finish the head of a request, or to take what it asked for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::guests::{Seat, Stage};

/// A stream, watched. hyper itself bounds the wait for a head, with one time for those who are idle and those who dawdle, and
/// no write.
pub(super) struct Watched<I> {
    stream: I,
    seat: Seat,
    head: Pin<Box<Sleep>>,
    stall: Pin<Box<Sleep>>,
    is_stalled: bool,
}

impl<I> Watched<I> {
    pub(super) fn new(stream: I, seat: Seat) -> Self {
        let (head, stall) = (Box::pin(sleep(seat.patience().head)), Box::pin(sleep(seat.patience().stall)));
        Self { stream, seat, head, stall, is_stalled: false }
    }

    /// Lets a write go on; one that has waited too long ends badly.
    fn written<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.is_stalled = false;
            return poll;
        }
        if !self.is_stalled {
            self.is_stalled = true;
            self.stall.as_mut().reset(Instant::now() + self.seat.patience().stall);
        }
        ready!(self.stall.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer")))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, into) {
            Poll::Ready(read) => {
                if into.filled().len() > before {
                    this.seat.stir();
                    if this.seat.stage() == Stage::Idle {
                        this.seat.turn(Stage::Head);
                        this.head.as_mut().reset(Instant::now() + this.seat.patience().head);
                    }
                }
                Poll::Ready(read)
            }
            Poll::Pending if this.seat.stage() == Stage::Head => {
                ready!(this.head.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request does not come")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(context, bytes);
        if poll.is_ready() {
            this.seat.stir();
        }
        this.written(context, poll)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        if poll.is_ready() {
            this.seat.stir();
        }
        this.written(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(context);
        this.written(context, poll)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_shutdown(context);
        this.written(context, poll)
    }
}
