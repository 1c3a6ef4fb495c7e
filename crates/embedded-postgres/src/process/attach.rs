//! Checks whether a server is running and accepts queries, by sending one: an open socket alone proves nothing.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::binaries::version::Version;
use crate::folder::{Folder, PORT};
use crate::{Error, Result};

/// The superuser that `initdb` creates. Anybody who can reach the socket can log in as it; only the owner can enter
/// the socket's folder.
pub(crate) const USER: &str = "postgres";

/// A server that accepts a connection but does not answer for this long is not ready.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The result of one probe.
#[derive(Debug)]
pub(crate) enum Probe {
    /// It answers queries.
    Ready(Version),
    /// It is starting, recovering, stopping, or has no free connection.
    NotYet,
    /// Nothing listens.
    Absent,
}

/// Probes once. Creates the database if the server lacks it.
pub(crate) async fn probe(folder: &Folder, database: &str) -> Result<Probe> {
    match tokio::time::timeout(PROBE_TIMEOUT, ask(folder, database)).await {
        Err(_) => Ok(Probe::NotYet),
        Ok(Ok(version)) => Ok(Probe::Ready(version)),
        Ok(Err(Failure::Wrong(error))) => Err(error),
        Ok(Err(Failure::Client(error))) => classify(error, &folder.data()),
    }
}

enum Failure {
    Client(tokio_postgres::Error),
    Wrong(Error),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Failure {
        Failure::Client(error)
    }
}

async fn ask(folder: &Folder, database: &str) -> Result<Version, Failure> {
    let socket_dir = folder.socket_dir();
    let client = match connect(&socket_dir, database).await {
        Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
            create_database(&socket_dir, database).await?;
            connect(&socket_dir, database).await?
        }
        other => other?,
    };
    let answer = client
        .simple_query(
            "SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.current_setting('data_directory')",
        )
        .await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let cell = |index| row.and_then(|row| row.try_get(index).ok().flatten()).unwrap_or_default();
    // Only a copied tree of links could make two folders share a socket, but writing into the wrong cluster must be
    // impossible.
    let data = folder.data();
    if Path::new(cell(1)) != data {
        return Err(Failure::Wrong(Error::SocketDir {
            path: socket_dir,
            reason: format!("the server there is that of {}, not of {}", cell(1), data.display()),
        }));
    }
    Ok(Version::from_server_version_num(cell(0).parse().unwrap_or(0)))
}

/// Connects through the socket; a separate task drives the connection until the client is dropped.
pub(crate) async fn connect(socket_dir: &Path, database: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = Config::new()
        .host_path(socket_dir)
        .port(PORT)
        .user(USER)
        .dbname(database)
        .application_name("embedded-postgres")
        .connect(NoTls)
        .await?;
    // Its error also reaches the client's own calls.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Creates a database; succeeds if another program created it meanwhile.
pub(crate) async fn create_database(socket_dir: &Path, database: &str) -> Result<(), tokio_postgres::Error> {
    let client = connect(socket_dir, "postgres").await?;
    let quoted = format!("\"{}\"", database.replace('"', "\"\""));
    match client.batch_execute(&format!("CREATE DATABASE {quoted}")).await {
        Err(error)
            if matches!(error.code(), Some(&SqlState::DUPLICATE_DATABASE | &SqlState::UNIQUE_VIOLATION)) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn classify(error: tokio_postgres::Error, data: &Path) -> Result<Probe> {
    if let Some(code) = error.code() {
        return if matches!(
            *code,
            SqlState::CANNOT_CONNECT_NOW
                | SqlState::ADMIN_SHUTDOWN
                | SqlState::CRASH_SHUTDOWN
                | SqlState::TOO_MANY_CONNECTIONS
        ) {
            Ok(Probe::NotYet)
        } else {
            Err(Error::refused(data, error))
        };
    }
    let kind = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(Probe::Absent),
        Some(io::ErrorKind::PermissionDenied) => Err(Error::refused(data, error)),
        // The connection broke during startup: the server or its backends are shutting down.
        Some(_) => Ok(Probe::NotYet),
        None if error.is_closed() => Ok(Probe::NotYet),
        None => Err(Error::refused(data, error)),
    }
}

/// The connection string in the form that tokio-postgres, psql and most other clients take, without characters that
/// a shell would need quoted.
pub(crate) fn connection_string(socket_dir: &Path, database: &str) -> String {
    use std::os::unix::ffi::OsStrExt;
    let host = percent_encode(socket_dir.as_os_str().as_bytes());
    let database = percent_encode(database.as_bytes());
    format!("postgresql://{USER}@{host}:{PORT}/{database}")
}

fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::Host;

    #[test]
    fn the_address_reads_back() {
        let text = connection_string(Path::new("/var/lib/ä b/run"), "dé?/x");
        let config: Config = text.parse().expect("an address");
        assert_eq!(config.get_hosts(), [Host::Unix("/var/lib/ä b/run".into())]);
        assert_eq!(config.get_dbname(), Some("dé?/x"));
        assert_eq!(config.get_user(), Some("postgres"));
        assert_eq!(config.get_ports(), [5432]);
    }
}
