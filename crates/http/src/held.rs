//! Answers that are still being sent: what they hold is given back when they end, or when the client goes away.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};

use crate::crowd::{Place, Share, StreamPlace};

/// What is given back at the end. Dropped as a whole.
#[derive(Debug)]
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) enum Held {
    /// The places of an answer that is made while it is sent, such as an export.
    Answer(Place, Option<Share>),
    /// The place of a stream of events. It does no work in between, so it holds no place of those that do.
    Events(StreamPlace),
}

/// A body with what it holds.
struct Holding {
    inner: Body,
    held: Option<Held>,
    /// Ends the body before its time.
    ends: Option<BoxFuture<'static, ()>>,
}

/// Lets `body` hold something until it ended or was dropped, and ends it early when `ends` is ready.
pub(crate) fn hold(body: Body, held: Held, ends: Option<BoxFuture<'static, ()>>) -> Body {
    Body::new(Holding { inner: body, held: Some(held), ends })
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let ended = self.ends.as_mut().is_some_and(|ends| ends.as_mut().poll(context).is_ready());
        if ended {
            self.ends = None;
            self.inner = Body::empty();
        }
        let next = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = next {
            self.held = None;
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Events that are sent as they happen (`text/event-stream`).
pub(crate) fn is_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.split(';').next().is_some_and(|media| media.trim() == "text/event-stream"))
}
