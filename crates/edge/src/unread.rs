//! Requests that cannot be read: a malformed request line or header, a head or address that is too large.
//!
//! Such a request reaches no handler; hyper answers it by itself with a bare status (its `on_error`) and hangs up. There is no
//! setting for what it says, so the connection is wrapped: what hyper writes while no request of ours is being answered can
//! only be such an answer, and a problem goes out in its place. Whether one is being answered is known exactly: from the
//! call of the service until its body was dropped and everything written was flushed.
//!
//! One case is left as hyper made it: a client that sends the next, broken request before it was answered gets both answers
//! in one write, and the second stays a bare status.

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

/// What is known of a connection.
#[derive(Default)]
pub(crate) struct Talk {
    answering: AtomicBool,
    over: AtomicBool,
}

impl Talk {
    /// A request came.
    pub(crate) fn begin(&self) {
        self.over.store(false, Ordering::SeqCst);
        self.answering.store(true, Ordering::SeqCst);
    }

    fn flushed(&self) {
        if self.over.swap(false, Ordering::SeqCst) {
            self.answering.store(false, Ordering::SeqCst);
        }
    }
}

/// A response's body that says when it is over.
pub(crate) struct Spoken {
    body: Body,
    talk: Arc<Talk>,
}

impl Spoken {
    pub(crate) fn new(body: Body, talk: Arc<Talk>) -> Self {
        Self { body, talk }
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        self.talk.over.store(true, Ordering::SeqCst);
    }
}

impl hyper::body::Body for Spoken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What to say instead of a bare status; nothing when it may stay.
pub(crate) type Instead = Box<dyn Fn(u16) -> Option<Vec<u8>> + Send>;

/// A connection on which bare refusals become problems.
pub(crate) struct Wire<T> {
    inner: T,
    talk: Arc<Talk>,
    instead: Instead,
    /// What is still to be written of a problem.
    rest: Vec<u8>,
}

impl<T: Write + Unpin> Wire<T> {
    pub(crate) fn new(inner: T, talk: Arc<Talk>, instead: Instead) -> Self {
        Self { inner, talk, instead, rest: Vec::new() }
    }

    /// Puts a problem in the place of a bare refusal; false when these bytes are to be written as they are.
    fn replace(&mut self, written: &[u8]) -> bool {
        if self.talk.answering.load(Ordering::SeqCst) {
            return false;
        }
        let status = written.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(instead) = status.and_then(|status| (self.instead)(status)) else { return false };
        self.rest.extend(instead);
        true
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Read + Unpin> Read for Wire<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Wire<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(cx))?;
        if self.replace(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(cx))?;
        ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
        self.talk.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_rest(cx))?;
        // The head of a refusal without a body is one piece.
        if bufs.first().is_some_and(|first| self.replace(first)) {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}
