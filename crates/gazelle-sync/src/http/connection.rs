//! A connection with its place and its time, so that one that sends slowly or never leaves holds nothing up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use super::head::{EndOfHead, Opening};
use super::places::Place;
use crate::metrics::Metrics;

/// The head of a request, up to the empty line behind it, has to be here within so long after the connection began or the last
/// answer went out.
pub(super) const HEAD: Duration = Duration::from_secs(5);
/// An answer that the other end takes slowly keeps its place for so long; after that the connection may give way.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// A connection that is silent for so long is closed; longer than any answer takes.
const SILENCE: Duration = Duration::from_secs(15);
/// No connection lives longer, however little it sends at a time.
const LIFETIME: Duration = Duration::from_secs(60);

/// What a connection is at.
enum Phase {
    /// The head of a request is waited for.
    Head(Head),
    /// A request is there.
    Request,
    /// Its answer goes out, as fast as the other end takes it.
    Answer(Answer),
}

/// A head that is waited for.
struct Head {
    end: EndOfHead,
    until: Pin<Box<Sleep>>,
    gives_way: oneshot::Receiver<()>,
}

impl Head {
    fn awaited(place: &Place) -> Head {
        let until = Box::pin(tokio::time::sleep(HEAD));
        Head { end: EndOfHead::default(), until, gives_way: place.waits() }
    }
}

/// An answer on its way.
struct Answer {
    /// Until then the connection keeps its place.
    until: Pin<Box<Sleep>>,
    gives_way: Option<oneshot::Receiver<()>>,
}

impl Answer {
    fn begun() -> Answer {
        Answer { until: Box::pin(tokio::time::sleep(ANSWER)), gives_way: None }
    }

    /// Registers for being told to give way, and says whether it was.
    fn is_too_slow(&mut self, place: &Place, context: &mut Context<'_>) -> bool {
        if self.gives_way.is_none() && self.until.as_mut().poll(context).is_ready() {
            self.gives_way = Some(place.waits());
        }
        self.gives_way
            .as_mut()
            .is_some_and(|told| matches!(Pin::new(told).poll(context), Poll::Ready(Ok(()))))
    }
}

/// A connection with its place and its time.
pub(super) struct Connection {
    stream: TcpStream,
    opening: Opening,
    phase: Phase,
    /// It was told to give way, or its head came too late.
    is_gone: bool,
    has_answered: bool,
    silence: Pin<Box<Sleep>>,
    end: Pin<Box<Sleep>>,
    metrics: Metrics,
    place: Place,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, place: Place, metrics: Metrics) -> Connection {
        Connection {
            stream,
            opening: Opening::new(),
            phase: Phase::Head(Head::awaited(&place)),
            is_gone: false,
            has_answered: false,
            silence: Box::pin(tokio::time::sleep(SILENCE)),
            end: Box::pin(tokio::time::sleep(LIFETIME)),
            metrics,
            place,
        }
    }

    fn heard(&mut self) {
        self.silence.as_mut().reset(Instant::now() + SILENCE);
    }

    /// Registers for the end of the time, and says whether it has come.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready() || self.silence.as_mut().poll(context).is_ready()
    }

    /// The same for a head that does not come, and for a head or an answer that takes long while another needs the place.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.is_gone {
            return true;
        }
        let (reason, counts) = match &mut self.phase {
            Phase::Request => return false,
            Phase::Answer(answer) => {
                if !answer.is_too_slow(&self.place, context) {
                    return false;
                }
                ("gave_way", true)
            }
            Phase::Head(head) => {
                let reason = match Pin::new(&mut head.gives_way).poll(context) {
                    Poll::Ready(Ok(())) => "gave_way",
                    _ if head.until.as_mut().poll(context).is_ready() => "late_head",
                    _ => return false,
                };
                // A connection that had its answer and rests is closed like any other, and is nothing to count.
                (reason, head.end.begun || !self.has_answered)
            }
        };
        self.is_gone = true;
        if counts {
            self.metrics.http_refused(reason);
        }
        true
    }
}

fn over<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over(context) || self.is_late(context) {
            return over();
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.heard();
            let came = &buffer.filled()[before..];
            if self.opening.is_http2(came) {
                self.metrics.http_refused("http2");
                return over();
            }
            if let Phase::Head(head) = &mut self.phase
                && head.end.is_in(came)
            {
                self.phase = Phase::Request;
                self.place.works();
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
            // Also of a request that came together with the one before.
            self.place.works();
            self.phase = Phase::Answer(Answer::begun());
        }
        if self.is_over(context) || self.is_late(context) {
            return over();
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.heard();
            self.has_answered = true;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // The server's library flushes once it has written all of an answer whose body is one piece, as all of ours are.
        if flushed.is_ready() && matches!(self.phase, Phase::Answer(_)) {
            self.phase = Phase::Head(Head::awaited(&self.place));
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
