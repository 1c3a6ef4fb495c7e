//! A listener that limits the number and the lifetime of connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;

use super::connection::Connection;
use super::slots::Slots;
use crate::dashboard::Wire;
use crate::metrics::Metrics;

/// The listener.
pub(super) struct BoundedListener {
    listener: TcpListener,
    slots: Slots,
    metrics: Metrics,
}

impl BoundedListener {
    pub(super) fn new(listener: TcpListener, slots: Slots, metrics: Metrics) -> BoundedListener {
        BoundedListener { listener, slots, metrics }
    }
}

impl axum::serve::Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => match self.slots.assign(address.ip()).await {
                    Ok(slot) => return (Connection::new(stream, slot, self.metrics.clone()), address),
                    // Closed without an answer, because sending one would need a slot.
                    Err(full) => self.metrics.http_refused(full.reason()),
                },
                // Too many open files, or a client that left at once: do not busy-loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The address of the client, and its connection.
#[derive(Debug, Clone)]
pub(super) struct Peer(pub IpAddr, pub Wire);

impl Connected<IncomingStream<'_, BoundedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, BoundedListener>) -> Peer {
        Peer(stream.remote_addr().ip(), stream.io().wire())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod attacks {
    //! Clients that try to use up all slots. On Linux, all addresses of 127.0.0.0/8 can act as different machines.

    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpSocket, TcpStream};
    use tokio::time::Instant;

    use super::*;
    use crate::http::connection::{ANSWER, HEAD};
    use crate::http::slots::{ALL, ELSEWHERE, ONE_ADDRESS};

    /// More than the buffers of two sockets hold.
    const LARGE: usize = 32 << 20;

    const SUPERVISOR: &str = "127.0.0.1";

    fn is_the_supervisor(peer: IpAddr) -> bool {
        peer == IpAddr::from([127, 0, 0, 1])
    }

    async fn served() -> (SocketAddr, Metrics) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Metrics::new();
        let bounded = BoundedListener::new(listener, Slots::new(is_the_supervisor), metrics.clone());
        let large = Bytes::from(vec![b'x'; LARGE]);
        let routes =
            Router::new().route("/", get(async || "alive")).route("/large", get(async move || large));
        tokio::spawn(async move { axum::serve(bounded, routes).await });
        (address, metrics)
    }

    async fn connect(from: &str, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap()
    }

    /// Sends a request and returns how long the answer took; `None` without an answer.
    async fn ask(from: &str, to: SocketAddr) -> Option<Duration> {
        let begun = Instant::now();
        let mut stream = connect(from, to).await;
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).contains("alive").then(|| begun.elapsed())
    }

    fn counted(metrics: &Metrics, reason: &str) -> u32 {
        let text = metrics.render(None).unwrap();
        let line = format!("gazelle_sync_http_refused_total{{reason=\"{reason}\"}} ");
        text.lines().find_map(|it| it.strip_prefix(&line)?.parse().ok()).unwrap()
    }

    /// Sends a header that never ends, one byte at a time.
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

    /// Requests a large answer and reads its beginning.
    async fn begin_large(from: &str, to: SocketAddr) -> TcpStream {
        let mut stream = connect(from, to).await;
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        stream.read_exact(&mut [0; 1024]).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn who_takes_a_large_answer_slowly_gets_it_and_gives_way_after_a_while_alone() {
        let (address, _) = served().await;
        let mut slow = begin_large("127.0.0.2", address).await;
        // Longer than a head may take, while others of the same address come and stay.
        tokio::time::sleep(HEAD + Duration::from_secs(1)).await;
        let mut others = Vec::new();
        for _ in 0..ONE_ADDRESS + 2 {
            others.push(connect("127.0.0.2", address).await);
        }
        assert!(ask("127.0.0.2", address).await.is_some());
        let mut left = vec![0; LARGE - 1024];
        slow.read_exact(&mut left).await.expect("the whole answer");
        // Clients that stop reading block their address no longer than [`ANSWER`].
        let mut stuck = Vec::new();
        for _ in 0..ONE_ADDRESS {
            stuck.push(begin_large("127.0.0.3", address).await);
        }
        assert!(ask("127.0.0.3", address).await.is_none(), "all places serve requests");
        tokio::time::sleep(ANSWER + Duration::from_secs(1)).await;
        assert!(ask("127.0.0.3", address).await.is_some());
    }

    /// Begins HTTP/2 one byte at a time, then sends a frame that looks like the end of a request's head.
    async fn speak_http2(stream: &mut TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" {
            stream.write_all(&[*byte]).await?;
        }
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            // A WINDOW_UPDATE of 0x0A0A bytes, which is not answered and contains two line feeds.
            stream.write_all(b"\0\0\x04\x08\0\0\0\0\0\0\0\n\n").await?;
        }
    }

    #[tokio::test]
    async fn strangers_that_speak_http2_keep_nobody_away() {
        let (address, metrics) = served().await;
        let mut strangers = tokio::task::JoinSet::new();
        for number in 0..24 {
            let mut stream = connect(&format!("127.0.0.{}", 2 + number / 4), address).await;
            strangers.spawn(async move { speak_http2(&mut stream).await });
        }
        let all_are_known = async {
            while counted(&metrics, "http2") < 24 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let known = tokio::time::timeout(Duration::from_secs(20), all_are_known).await;
        assert!(known.is_ok(), "{} of 24 are known", counted(&metrics, "http2"));
        for other in [SUPERVISOR, "127.0.0.2", "127.0.0.9"] {
            let took = ask(other, address).await;
            assert!(took.is_some_and(|took| took < Duration::from_secs(2)), "{other}: {took:?}");
        }
        let ended = tokio::time::timeout(Duration::from_secs(2), strangers.join_all()).await;
        assert!(ended.is_ok_and(|all| all.iter().all(Result::is_err)), "none is spoken with");
        assert_eq!(counted(&metrics, "http2"), 24);
    }

    #[tokio::test]
    async fn strangers_that_take_every_place_keep_nobody_else_away() {
        let (address, metrics) = served().await;
        // One machine: silent connections and slow ones.
        let mut silent = Vec::new();
        for number in 0..ALL + 8 {
            let stream = connect("127.0.0.2", address).await;
            if number % 2 == 0 { silent.push(stream) } else { drip(stream) }
        }
        let soon = Duration::from_secs(2);
        for other in [SUPERVISOR, "127.0.0.3"] {
            let took = ask(other, address).await;
            assert!(took.is_some_and(|took| took < soon), "{other}: {took:?}");
        }
        // Many machines: the supervisor has reserved slots.
        let machines = 4..6 + ELSEWHERE / ONE_ADDRESS;
        let many = ALL + 8 + machines.len() * ONE_ADDRESS;
        for machine in machines {
            for _ in 0..ONE_ADDRESS {
                drip(connect(&format!("127.0.0.{machine}"), address).await);
            }
        }
        for other in [SUPERVISOR, "127.0.0.3", "127.0.0.4"] {
            let took = ask(other, address).await;
            assert!(took.is_some_and(|took| took < soon), "{other}: {took:?}");
        }
        // Clients without a request are disconnected after a while, and all of them are counted.
        let begun = Instant::now();
        for mut stream in silent {
            let end = tokio::time::timeout(HEAD * 2, stream.read_to_end(&mut Vec::new())).await;
            assert!(end.is_ok(), "still open after {:?}", begun.elapsed());
        }
        let counted = |reason| counted(&metrics, reason);
        while counted("late_head") + counted("gave_way") < u32::try_from(many).unwrap() {
            assert!(begun.elapsed() < HEAD * 2, "strangers that drip hold their places");
            tokio::task::yield_now().await;
        }
        assert!(counted("late_head") > 0 && counted("gave_way") > 0);
    }
}
