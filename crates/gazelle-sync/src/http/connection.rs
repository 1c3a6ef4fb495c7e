//! A TCP connection with its slot and its timeouts, so that a slow or silent client blocks nobody.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use super::head::{HeadEnd, PrefaceDetector};
use super::slots::Slot;
use crate::dashboard::Wire;
use crate::metrics::{HttpRefusal, Metrics};

/// The head of a request, up to its empty line, must arrive within this time after the connection began or the
/// previous answer was sent.
pub(super) const HEAD: Duration = Duration::from_secs(5);
/// A client that reads an answer slowly keeps its slot for this long; after that it can be evicted.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// A connection without traffic for this long is closed. Longer than any answer takes.
const SILENCE: Duration = Duration::from_secs(15);
/// No connection lives longer, whatever it sends.
const LIFETIME: Duration = Duration::from_secs(60);

/// The state of a connection.
enum Phase {
    /// Waiting for the head of a request.
    Head(Head),
    /// A request has arrived.
    Request,
    /// Its answer is being sent.
    Answer(Answer),
}

/// A head that is expected.
struct Head {
    end: HeadEnd,
    until: Pin<Box<Sleep>>,
    eviction: oneshot::Receiver<()>,
}

impl Head {
    fn expected(slot: &Slot) -> Head {
        let until = Box::pin(tokio::time::sleep(HEAD));
        Head { end: HeadEnd::default(), until, eviction: slot.note_idle() }
    }
}

/// An answer that is being sent.
struct Answer {
    /// The connection keeps its slot until then.
    until: Pin<Box<Sleep>>,
    eviction: Option<oneshot::Receiver<()>>,
}

impl Answer {
    fn started() -> Answer {
        Answer { until: Box::pin(tokio::time::sleep(ANSWER)), eviction: None }
    }

    /// Polls whether this connection was evicted, once it is slow enough for that.
    fn is_too_slow(&mut self, slot: &Slot, context: &mut Context<'_>) -> bool {
        if self.eviction.is_none() && self.until.as_mut().poll(context).is_ready() {
            self.eviction = Some(slot.note_idle());
        }
        self.eviction.as_mut().is_some_and(|told| matches!(Pin::new(told).poll(context), Poll::Ready(Ok(()))))
    }
}

/// A TCP connection with its slot and its timeouts.
pub(super) struct Connection {
    stream: TcpStream,
    opening: PrefaceDetector,
    phase: Phase,
    /// It was evicted, or its head came too late.
    is_closed: bool,
    has_answered: bool,
    silence: Pin<Box<Sleep>>,
    end: Pin<Box<Sleep>>,
    metrics: Metrics,
    slot: Slot,
    wire: Wire,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, slot: Slot, metrics: Metrics) -> Connection {
        Connection {
            stream,
            opening: PrefaceDetector::new(),
            phase: Phase::Head(Head::expected(&slot)),
            is_closed: false,
            has_answered: false,
            silence: Box::pin(tokio::time::sleep(SILENCE)),
            end: Box::pin(tokio::time::sleep(LIFETIME)),
            metrics,
            slot,
            wire: Wire::started(),
        }
    }

    /// For a stream that it carries.
    pub(super) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    fn reset_silence(&mut self) {
        self.silence.as_mut().reset(Instant::now() + SILENCE);
    }

    /// Polls whether the connection has timed out.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready() || self.silence.as_mut().poll(context).is_ready()
    }

    /// Polls whether the head is late, or the connection was evicted while it waited for a head or sent an answer
    /// slowly.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.is_closed {
            return true;
        }
        let (reason, counts) = match &mut self.phase {
            Phase::Request => return false,
            Phase::Answer(answer) => {
                if !answer.is_too_slow(&self.slot, context) {
                    return false;
                }
                (HttpRefusal::GaveWay, true)
            }
            Phase::Head(head) => {
                let reason = match Pin::new(&mut head.eviction).poll(context) {
                    Poll::Ready(Ok(())) => HttpRefusal::GaveWay,
                    _ if head.until.as_mut().poll(context).is_ready() => HttpRefusal::LateHead,
                    _ => return false,
                };
                // A keep-alive connection that already had an answer is closed as usual and not counted.
                (reason, head.end.begun || !self.has_answered)
            }
        };
        self.is_closed = true;
        if counts {
            self.metrics.http_refused(reason);
        }
        true
    }
}

fn timed_out<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(context) || self.is_late(context) {
            return timed_out();
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.reset_silence();
            let came = &buffer.filled()[before..];
            if self.opening.is_http2(came) {
                self.metrics.http_refused(HttpRefusal::Http2);
                return timed_out();
            }
            if let Phase::Head(head) = &mut self.phase
                && head.end.is_in(came)
            {
                self.phase = Phase::Request;
                self.slot.note_request();
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !matches!(self.phase, Phase::Answer(_)) {
            // Also for a request that arrived together with the previous one.
            self.slot.note_request();
            self.phase = Phase::Answer(Answer::started());
        }
        if self.is_over(context) || self.is_late(context) {
            return timed_out();
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.reset_silence();
            self.has_answered = true;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // The HTTP library flushes after a whole answer if its body is in one piece, as all of ours are but streams. A stream
        // stays an answer that is being sent, which gives way after a while if places are needed.
        if flushed.is_ready() && matches!(self.phase, Phase::Answer(_)) && !self.wire.carries_stream() {
            self.phase = Phase::Head(Head::expected(&self.slot));
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
