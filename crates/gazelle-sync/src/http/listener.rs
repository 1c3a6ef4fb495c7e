//! Connections, bounded in number and in time, so that one that sends slowly or never leaves holds nothing up.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use super::places::{Place, Places};
use crate::metrics::Metrics;

/// The head of a request, up to the empty line behind it, has to be here within so long after the connection began or the last
/// answer went out.
const HEAD: Duration = Duration::from_secs(5);
/// A connection that is silent for so long is closed; longer than any answer takes.
const SILENCE: Duration = Duration::from_secs(15);
/// No connection lives longer, however little it sends at a time.
const LIFETIME: Duration = Duration::from_secs(60);

/// A listener with these bounds.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Places,
    metrics: Metrics,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener, places: Places, metrics: Metrics) -> Bounded {
        Bounded { listener, places, metrics }
    }
}

impl axum::serve::Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => match self.places.give(address.ip()).await {
                    Ok(place) => return (Connection::new(stream, place, self.metrics.clone()), address),
                    // Closed without a word: an answer would have to be waited for.
                    Err(full) => self.metrics.http_refused(full.name()),
                },
                // Too many open files, or a peer that left at once: neither is a reason to spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub IpAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Peer {
        Peer(stream.remote_addr().ip())
    }
}

/// Looks for the end of a request's head in what comes.
#[derive(Debug, Default)]
struct EndOfHead {
    begun: bool,
    line_is_empty: bool,
}

impl EndOfHead {
    /// Whether the head ends in these bytes, which follow those before.
    fn is_in(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                b'\n' if self.line_is_empty => return true,
                // Empty lines before a request are none of its head.
                b'\n' => self.line_is_empty = self.begun,
                b'\r' => {}
                _ => (self.begun, self.line_is_empty) = (true, false),
            }
        }
        false
    }
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

/// A connection with its place and its time.
pub(super) struct Connection {
    stream: TcpStream,
    /// The head that is waited for; none while a request is being answered.
    head: Option<Head>,
    has_answered: bool,
    silence: Pin<Box<Sleep>>,
    end: Pin<Box<Sleep>>,
    metrics: Metrics,
    place: Place,
}

impl Connection {
    fn new(stream: TcpStream, place: Place, metrics: Metrics) -> Connection {
        Connection {
            stream,
            head: Some(Head::awaited(&place)),
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

    /// The same for a head that does not come, or not before another needs the place.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(head) = &mut self.head else { return false };
        let reason = match Pin::new(&mut head.gives_way).poll(context) {
            Poll::Ready(Ok(())) => "gave_way",
            _ if head.until.as_mut().poll(context).is_ready() => "late_head",
            _ => return false,
        };
        // A connection that had its answer and rests is closed like any other, and is nothing to count.
        if head.end.begun || !self.has_answered {
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
            if self.head.as_mut().is_some_and(|head| head.end.is_in(came)) {
                self.head = None;
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
        if self.is_over(context) {
            return over();
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.heard();
            self.has_answered = true;
            if self.head.is_none() {
                self.head = Some(Head::awaited(&self.place));
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_at_its_empty_line_however_it_is_cut() {
        for (head, ends) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
            ("GET / HTTP/1.1\nHost: x\n\n", true),
            ("\r\n\r\nGET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nHost: x\r\n", false),
            // What is before a request does not end it.
            ("\r\n\r\n\r\n", false),
            ("\r\n\r\nGET /", false),
            ("", false),
        ] {
            for size in 1..=head.len().max(1) {
                let mut end = EndOfHead::default();
                let found = head.as_bytes().chunks(size).any(|chunk| end.is_in(chunk));
                assert_eq!(found, ends, "{head:?} by {size}");
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod attacks {
    //! Strangers that take every place there is. On Linux all addresses of 127.0.0.0/8 are there to play them.

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;

    use super::*;

    const SUPERVISOR: &str = "127.0.0.1";

    fn is_the_supervisor(peer: IpAddr) -> bool {
        peer == IpAddr::from([127, 0, 0, 1])
    }

    async fn served() -> (SocketAddr, Metrics) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Metrics::new();
        let bounded = Bounded::new(listener, Places::new(is_the_supervisor), metrics.clone());
        let routes = Router::new().route("/", get(async || "alive"));
        tokio::spawn(async move { axum::serve(bounded, routes).await });
        (address, metrics)
    }

    async fn connect(from: &str, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap()
    }

    /// Asks, and gives how long the answer took; none when there was no answer.
    async fn ask(from: &str, to: SocketAddr) -> Option<Duration> {
        let begun = Instant::now();
        let mut stream = connect(from, to).await;
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).contains("alive").then(|| begun.elapsed())
    }

    /// Sends a header that never ends, a byte at a time.
    fn drip(mut stream: TcpStream) {
        tokio::spawn(async move {
            let mut byte: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nX-More: ";
            let mut beat = tokio::time::interval(Duration::from_millis(200));
            while stream.write_all(byte).await.is_ok() {
                byte = b"x";
                beat.tick().await;
            }
        });
    }

    #[tokio::test]
    async fn strangers_that_take_every_place_keep_nobody_else_away() {
        let (address, metrics) = served().await;
        // One machine: silent connections and such that drip.
        let mut silent = Vec::new();
        for number in 0..40 {
            let stream = connect("127.0.0.2", address).await;
            if number % 2 == 0 { silent.push(stream) } else { drip(stream) }
        }
        let soon = Duration::from_secs(2);
        for other in [SUPERVISOR, "127.0.0.3"] {
            let took = ask(other, address).await;
            assert!(took.is_some_and(|took| took < soon), "{other}: {took:?}");
        }
        // Many machines: the supervisor has places of its own.
        for machine in 4..14 {
            for _ in 0..4 {
                drip(connect(&format!("127.0.0.{machine}"), address).await);
            }
        }
        for other in [SUPERVISOR, "127.0.0.3", "127.0.0.4"] {
            let took = ask(other, address).await;
            assert!(took.is_some_and(|took| took < soon), "{other}: {took:?}");
        }
        // Those that sent no request are gone after a while, and all of it is counted.
        let begun = Instant::now();
        for mut stream in silent {
            let end = tokio::time::timeout(HEAD * 2, stream.read_to_end(&mut Vec::new())).await;
            assert!(end.is_ok(), "still open after {:?}", begun.elapsed());
        }
        let counted = |reason: &str| {
            let text = metrics.render(None).unwrap();
            let line = format!("gazelle_sync_http_refused_total{{reason=\"{reason}\"}} ");
            text.lines().find_map(|it| it.strip_prefix(&line)?.parse::<u32>().ok()).unwrap()
        };
        while counted("late_head") + counted("gave_way") < 80 {
            assert!(begun.elapsed() < HEAD * 2, "strangers that drip hold their places");
            tokio::task::yield_now().await;
        }
        assert!(counted("late_head") > 0 && counted("gave_way") > 0);
    }
}
