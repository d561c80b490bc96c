//! A connection whose other end takes nothing is not waited for: an answer that nobody reads would keep its places, and with
//! them the tenant's and the node's, for as long as the client likes.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// Bytes that have to go out within the time, so that taking one now and then is not enough.
const LEAST: usize = 16 * 1024;

/// A connection that ends when what is to be sent does not get away in time.
pub(crate) struct Stalling {
    inner: TcpStream,
    time: Duration,
    /// Since the other end last kept us waiting: when that ends, and how much went out meanwhile.
    waiting: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Stalling {
    pub(crate) fn new(inner: TcpStream, time: Duration) -> Self {
        Self { inner, time, waiting: None }
    }

    /// Judges a write by what came of it.
    fn after(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                if let Some((_, sent)) = &mut self.waiting {
                    *sent += count;
                    if *sent >= LEAST {
                        self.waiting = None;
                    }
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                let time = self.time;
                let (timer, _) = self.waiting.get_or_insert_with(|| (Box::pin(sleep_until(Instant::now() + time)), 0));
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                // What waits in the kernel is not waited for either.
                let _ = self.inner.set_zero_linger();
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
            }
        }
    }
}

impl AsyncRead for Stalling {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stalling {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.after(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.after(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// Asked for when all that there was to send went out: whoever waits from now on waits anew.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting = None;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
