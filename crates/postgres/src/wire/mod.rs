//! A session's bytes: requests of any number in one write, answers as they come.
//!
//! The driver's own connection ends every request with a Sync, at which the server commits, flushes and forgets, and carries
//! it through a task of its own. A read through a tenant's door would be three requests. Here it is one: what enters the
//! tenant, the statement and a single Sync, read by whoever asked. It costs about what the statement alone costs elsewhere
//! (docs/adr/0002). The driver still opens the session and speaks for everything that is not asked by a tenant.

mod answer;
mod copy;
mod login;
mod row;

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::{backend::Message, frontend};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_util::io::poll_read_buf;

use crate::{ConnectError, Server};

pub(crate) use answer::{Answers, Prepared, Status};
pub(crate) use login::{Canceller, cancel, log_in};
pub use row::{Column, Row, RowIndex};

/// What bytes go through: a socket, with or without TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A session, seen as messages.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    /// Read and not yet understood.
    inbox: BytesMut,
    /// Asked and not yet sent.
    outbox: BytesMut,
    flushed: bool,
    /// Rows are being copied in: nothing else may be said before their end.
    copying: bool,
    over: bool,
    canceller: Canceller,
}

/// How much is read at once, at least.
const READ: usize = 8 * 1024;
/// How long a session that is no longer wanted may take to finish by itself.
const CLOSE_PATIENCE: Duration = Duration::from_millis(100);
/// And how long after it was told to stop.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("copying", &self.copying).field("over", &self.over).finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) async fn open(server: &Server, database: &str) -> Result<Self, ConnectError> {
        let (stream, canceller) = server.log_in(database).await?;
        let (inbox, outbox) = (BytesMut::with_capacity(READ), BytesMut::with_capacity(1024));
        Ok(Self { stream, inbox, outbox, flushed: true, copying: false, over: false, canceller })
    }

    /// Where requests are written; sent when the first answer is waited for.
    pub(crate) fn outbox(&mut self) -> &mut BytesMut {
        &mut self.outbox
    }

    /// The server, or what lies between, has ended the session.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The same, after a look at the socket: nobody watches a session that rests.
    pub(crate) fn has_ended(&mut self) -> bool {
        // At rest the server says nothing but farewell, and what `poll_message` keeps to itself.
        if !self.over && self.poll_message(&mut Context::from_waker(Waker::noop())).is_ready() {
            self.over = true;
        }
        self.over
    }

    /// The next message of the server. Requests are sent meanwhile, so that neither side waits for the other to read.
    pub(crate) async fn message(&mut self) -> io::Result<Message> {
        std::future::poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Message>> {
        if self.over {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        let polled = self.poll_message_open(cx);
        if let Poll::Ready(Err(_)) = &polled {
            self.over = true;
        }
        polled
    }

    fn poll_message_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Message>> {
        loop {
            match Message::parse(&mut self.inbox)? {
                // What nobody asked for, or waits for.
                Some(
                    Message::NoticeResponse(_)
                    | Message::ParameterStatus(_)
                    | Message::NotificationResponse(_)
                    | Message::CloseComplete,
                ) => {}
                Some(message) => return Poll::Ready(Ok(message)),
                None => {
                    let sent = self.poll_send(cx)?;
                    let read = self.poll_read(cx)?;
                    if read.is_pending() {
                        debug_assert!(sent.is_ready() || !self.outbox.is_empty() || !self.flushed);
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inbox.reserve(READ);
        match ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.inbox))? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            self.flushed = false;
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.outbox))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outbox.advance(count);
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what was asked, without waiting for an answer.
    async fn send(&mut self) -> io::Result<()> {
        let sent = std::future::poll_fn(|cx| self.poll_send(cx)).await;
        self.over |= sent.is_err();
        sent
    }

    /// Ends the session and returns when it is over. A statement nobody waits for, and that takes its time, is cancelled.
    pub(crate) async fn close(mut self, server: &Server) {
        if self.over {
            return;
        }
        if self.copying {
            let _ = frontend::copy_fail("given up", &mut self.outbox);
        }
        frontend::terminate(&mut self.outbox);
        if timeout(CLOSE_PATIENCE, self.farewell()).await.is_ok() {
            return;
        }
        let _ = timeout(CLOSE_LIMIT, server.cancel(&self.canceller)).await;
        // When the server does not answer either, it is left without the socket: its backend ends by itself, within a second.
        let _ = timeout(CLOSE_LIMIT, self.farewell()).await;
    }

    /// Reads, and throws away, what the server still says.
    async fn farewell(&mut self) {
        while self.message().await.is_ok() {}
    }
}
