//! Connects to a server over a stream that measures messages: tries its addresses one after the other, then logs
//! in.
//!
//! Does what the driver's own `Config::connect` does, which allows no wrapper around its socket.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::config::{Config, Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::db::answers::budget::AnswerBudget;
use crate::db::answers::measured::{Content, Measured, ProtocolViolation};
use crate::db::error::DbError;

/// The longest wait for each address to accept a connection, or to complete the login while there is another
/// address to try, unless the URL sets `connect_timeout`.
pub(in crate::db) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A TCP or a Unix socket.
enum Socket {
    Network(TcpStream),
    Local(UnixStream),
}

/// Forwards a call to the inner stream.
macro_rules! of_either {
    ($socket:expr, $call:ident ( $($with:expr),* )) => {
        match $socket.get_mut() {
            Socket::Network(stream) => Pin::new(stream).$call($($with),*),
            Socket::Local(stream) => Pin::new(stream).$call($($with),*),
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        of_either!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        of_either!(self, poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_either!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_either!(self, poll_shutdown(cx))
    }
}

/// A connection whose login has succeeded.
pub(in crate::db) struct LoggedInConnection {
    pub(in crate::db) client: Client,
    /// The task that drives the connection's reads and writes.
    pub(in crate::db) task: JoinHandle<()>,
    /// Why we closed the connection, once we did.
    pub(in crate::db) refusal: ProtocolViolation,
    /// The memory budget of its answers.
    pub(in crate::db) budget: AnswerBudget,
}

/// One address of a server.
enum Address {
    Network(SocketAddr),
    /// A socket of this machine.
    Local(PathBuf),
}

/// Connects to the first host at which the login succeeds. While there is another host to try, an address at which
/// it has not succeeded within `connect_timeout` is given up, even one that accepts the connection and then sends
/// nothing.
///
/// # Errors
/// The error of the last address tried.
pub(in crate::db) async fn dial(
    config: &Config,
    tls: &MakeRustlsConnect,
) -> Result<LoggedInConnection, DbError> {
    let (hosts, given) = (config.get_hosts(), config.get_hostaddrs());
    if !hosts.is_empty() && !given.is_empty() && hosts.len() != given.len() {
        return Err(unreached(&wrong("the numbers of host and hostaddr in DATABASE_URL differ")));
    }
    let count = hosts.len().max(given.len());
    let ports = config.get_ports();
    if ports.len() > 1 && ports.len() != count {
        return Err(unreached(&wrong("the numbers of hosts and ports in DATABASE_URL differ")));
    }
    let mut failure = unreached(&wrong("DATABASE_URL names no host"));
    let patience = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    for (tried, index) in in_order(config, count).into_iter().enumerate() {
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let name = match hosts.get(index) {
            Some(Host::Tcp(name)) => name.as_str(),
            _ => "",
        };
        let addresses = match (given.get(index), hosts.get(index)) {
            (Some(address), _) => Ok(vec![Address::Network((*address, port).into())]),
            (None, Some(Host::Unix(folder))) => Ok(vec![Address::Local(socket_in(folder, port))]),
            (None, _) => addresses_of(config, name, port).await,
        };
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(error) => {
                failure = unreached(&error);
                continue;
            }
        };
        let hosts_left = count - tried - 1;
        for address in addresses {
            let reaching = reach(config, tls, name, &address);
            let connection = match hosts_left {
                // The caller limits the whole attempt; a slow login may use all of it.
                0 => reaching.await,
                _ => timeout(patience, reaching).await.unwrap_or_else(|_| Err(silent(patience))),
            };
            match connection {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error,
            }
        }
    }
    Err(failure)
}

/// The indexes below `count`, in order, or shuffled if the URL asks for load balancing.
fn in_order(config: &Config, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        let chance = RandomState::new();
        order.sort_by_key(|index| chance.hash_one(index));
    }
    order
}

async fn addresses_of(config: &Config, name: &str, port: u16) -> io::Result<Vec<Address>> {
    let found: Vec<SocketAddr> = lookup_host((name, port)).await?.collect();
    if found.is_empty() {
        return Err(wrong("failed to lookup address information: the name has none"));
    }
    Ok(in_order(config, found.len()).into_iter().map(|index| Address::Network(found[index])).collect())
}

fn socket_in(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

/// Connects and logs in.
async fn reach(
    config: &Config,
    tls: &MakeRustlsConnect,
    name: &str,
    address: &Address,
) -> Result<LoggedInConnection, DbError> {
    let socket = open(config, address).await.map_err(|error| unreached(&error))?;
    let content = match (config.get_ssl_mode(), config.get_ssl_negotiation()) {
        (SslMode::Disable, _) => Content::Messages,
        (_, SslNegotiation::Direct) => Content::Encrypted,
        _ => Content::Offer,
    };
    let (refusal, budget) = (ProtocolViolation::default(), AnswerBudget::new());
    let Ok(connect) = MakeTlsConnect::<Measured<Socket>>::make_tls_connect(&mut tls.clone(), name);
    let tls = MeasuredTls { connect, refusal: refusal.clone(), budget: budget.clone() };
    let stream = Measured::new(socket, content, &refusal, &budget);
    let failed = |error| DbError::new(error, "CONNECT");
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(failed)?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            // A caller that waits for an answer gets the error; for an idle session it is not news.
            tracing::debug!("a database connection ended: {error}");
        }
    });
    let connection = LoggedInConnection { client, task, refusal, budget };
    if config.get_target_session_attrs() != TargetSessionAttrs::Any {
        serves(config, &connection).await?;
    }
    Ok(connection)
}

/// Checks `target_session_attrs`: fails if a writable server was asked for and this one is read-only, or vice
/// versa.
async fn serves(config: &Config, connection: &LoggedInConnection) -> Result<(), DbError> {
    let answer = connection.client.query_typed("SHOW transaction_read_only", &[]).await;
    let answer = answer.map_err(|error| DbError::new(error, "SHOW transaction_read_only"))?;
    let is_read_only = answer.iter().any(|row| row.try_get::<_, &str>(0).is_ok_and(|it| it == "on"));
    match (config.get_target_session_attrs(), is_read_only) {
        (TargetSessionAttrs::ReadWrite, true) => Err(unreached(&wrong("database does not allow writes"))),
        (TargetSessionAttrs::ReadOnly, false) => Err(unreached(&wrong("database is not read only"))),
        _ => Ok(()),
    }
}

async fn open(config: &Config, address: &Address) -> io::Result<Socket> {
    let limit = config.get_connect_timeout().copied();
    match address {
        Address::Local(path) => Ok(Socket::Local(within(limit, UnixStream::connect(path)).await?)),
        Address::Network(address) => {
            let stream = within(limit, TcpStream::connect(address)).await?;
            stream.set_nodelay(true)?;
            let socket = SockRef::from(&stream);
            #[cfg(target_os = "linux")]
            if let Some(limit) = config.get_tcp_user_timeout() {
                socket.set_tcp_user_timeout(Some(*limit))?;
            }
            if config.get_keepalives() {
                let mut alive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
                if let Some(interval) = config.get_keepalives_interval() {
                    alive = alive.with_interval(interval);
                }
                if let Some(retries) = config.get_keepalives_retries() {
                    alive = alive.with_retries(retries);
                }
                socket.set_tcp_keepalive(&alive)?;
            }
            Ok(Socket::Network(stream))
        }
    }
}

async fn within<T>(limit: Option<Duration>, opening: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match limit {
        Some(limit) => timeout(limit, opening)
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "connection timed out"))),
        None => opening.await,
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

fn unreached(error: &io::Error) -> DbError {
    DbError::unconnected(&error.to_string())
}

fn silent(patience: Duration) -> DbError {
    DbError::no_answer(format!("no answer of the database within {} s", patience.as_secs_f64()))
}

/// TLS over a stream, with a second measuring stream around the decrypted bytes.
struct MeasuredTls {
    connect: <MakeRustlsConnect as MakeTlsConnect<Measured<Socket>>>::TlsConnect,
    refusal: ProtocolViolation,
    budget: AnswerBudget,
}

impl TlsConnect<Measured<Socket>> for MeasuredTls {
    type Stream = Measured<<MakeRustlsConnect as MakeTlsConnect<Measured<Socket>>>::Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, stream: Measured<Socket>) -> Self::Future {
        let MeasuredTls { connect, refusal, budget } = self;
        let connecting = connect.connect(stream);
        Box::pin(async move { Ok(Measured::new(connecting.await?, Content::Messages, &refusal, &budget)) })
    }
}
