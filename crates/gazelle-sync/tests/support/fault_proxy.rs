//! A proxy in front of the database that breaks connections after so many bytes, in the middle of a message.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use embedded_postgres::testing::TestServer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens when the bytes are used up. The chunk in which they are is passed on up to that byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// Every connection is closed on both sides.
    CutAll,
    /// The connection is closed on both sides, the others go on.
    CutOne,
    /// This direction of the connection ends, the other goes on.
    HalfClose,
    /// Nothing passes any more, in neither direction, of any connection, and nothing is closed.
    Freeze,
    /// The same of the connections that there are; new ones work.
    Silence,
    /// From then on this direction of every connection goes on slowly.
    Trickle,
}

/// Which bytes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the program to the database.
    ToServer,
    /// From the database to the program: what it answers was done.
    ToClient,
}

/// The connections' common state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct ProxyState {
    /// Connections of an earlier one are closed.
    generation: u64,
    frozen: bool,
    /// Connections of a lower number are silent for good.
    silent_below: u64,
    struck: bool,
}

impl ProxyState {
    fn holds(&self, connection: u64) -> bool {
        self.frozen || connection < self.silent_below
    }
}

struct Shared {
    server: PathBuf,
    user: String,
    /// Bytes until trouble.
    left: AtomicI64,
    planned: Mutex<Option<(Direction, ProxyFault)>>,
    line: watch::Sender<ProxyState>,
    passed: AtomicI64,
    connections: AtomicU64,
}

/// The proxy; it ends when dropped.
pub struct FaultProxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    pub async fn start(server: &TestServer) -> FaultProxy {
        let url = server.connection_string("postgres");
        let user = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).expect("a user").0;
        let config: tokio_postgres::Config = url.parse().expect("a connection string");
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let shared = Arc::new(Shared {
            server: server.socket_dir().join(format!(".s.PGSQL.{port}")),
            user: user.to_owned(),
            left: AtomicI64::new(i64::MAX),
            planned: Mutex::default(),
            line: watch::Sender::default(),
            passed: AtomicI64::new(0),
            connections: AtomicU64::new(0),
        });
        let port = listener.local_addr().expect("an address").port();
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        FaultProxy { shared, port, accepting }
    }

    /// The address of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://{}@127.0.0.1:{}/{database}?sslmode=disable", self.shared.user, self.port)
    }

    /// Bytes passed so far, both ways.
    pub fn passed(&self) -> i64 {
        self.shared.passed.load(Ordering::SeqCst)
    }

    /// Plans trouble once so many more bytes went this way.
    pub fn fail_after_bytes(&self, bytes: i64, direction: Direction, trouble: ProxyFault) {
        *self.shared.planned.lock().unwrap() = Some((direction, trouble));
        self.shared.line.send_modify(|line| line.struck = false);
        self.shared.left.store(bytes, Ordering::SeqCst);
    }

    /// Waits until the trouble has struck.
    pub async fn wait_for_failure(&self) {
        self.shared.line.subscribe().wait_for(|line| line.struck).await.expect("the proxy is there");
    }

    /// Whether it has.
    pub fn has_failed(&self) -> bool {
        self.shared.line.borrow().struck
    }

    /// From now on nothing passes of the connections that there are, and nothing is closed; new ones work.
    pub fn silence(&self) {
        let next = self.shared.connections.load(Ordering::SeqCst);
        self.shared.line.send_modify(|line| line.silent_below = next);
    }

    /// Plans nothing any more, and lets what is frozen go on.
    pub fn restore(&self) {
        *self.shared.planned.lock().unwrap() = None;
        self.shared.left.store(i64::MAX, Ordering::SeqCst);
        self.shared.line.send_modify(|line| (line.frozen, line.struck) = (false, false));
    }

    /// Closes every connection, frozen or not.
    pub fn cut(&self) {
        self.shared.line.send_modify(|line| line.generation += 1);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let _ = client.set_nodelay(true);
        tokio::spawn(serve(client, shared.clone()));
    }
}

async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let mut line = shared.line.subscribe();
    let generation = line.borrow().generation;
    let number = shared.connections.fetch_add(1, Ordering::SeqCst);
    let Ok(server) = UnixStream::connect(&shared.server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        tokio::try_join!(
            pump(from_client, to_server, Direction::ToServer, number, &shared),
            pump(from_server, to_client, Direction::ToClient, number, &shared),
        )
    };
    tokio::select! {
        _ = both => {}
        _ = line.wait_for(|line| line.generation != generation) => {}
    }
}

/// Copies until the end of one side, or until trouble that closes the connection.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    number: u64,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut line = shared.line.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        let _ = line.wait_for(|line| !line.holds(number)).await;
        shared.passed.fetch_add(read as i64, Ordering::SeqCst);
        let planned = *shared.planned.lock().unwrap();
        let Some((_, trouble)) = planned.filter(|(counted, _)| *counted == direction) else {
            to.write_all(&buffer[..read]).await?;
            continue;
        };
        let left = shared.left.fetch_sub(read as i64, Ordering::SeqCst);
        if trouble == ProxyFault::Trickle && left <= read as i64 {
            shared.line.send_modify(|line| line.struck = true);
            // The slowness itself, not a wait for something.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        if left <= 0 || left > read as i64 {
            to.write_all(&buffer[..read]).await?;
            continue;
        }
        let (before, after) = buffer[..read].split_at(left as usize);
        to.write_all(before).await?;
        to.flush().await?;
        shared.line.send_modify(|line| {
            line.struck = true;
            match trouble {
                ProxyFault::CutAll => line.generation += 1,
                ProxyFault::Freeze => line.frozen = true,
                ProxyFault::Silence => line.silent_below = shared.connections.load(Ordering::SeqCst),
                ProxyFault::CutOne | ProxyFault::HalfClose | ProxyFault::Trickle => {}
            }
        });
        match trouble {
            ProxyFault::CutAll | ProxyFault::CutOne => return Err(std::io::ErrorKind::ConnectionReset.into()),
            ProxyFault::HalfClose => return to.shutdown().await,
            ProxyFault::Freeze | ProxyFault::Silence => {
                let _ = line.wait_for(|line| !line.holds(number)).await;
                to.write_all(after).await?;
            }
            ProxyFault::Trickle => to.write_all(after).await?,
        }
    }
}
