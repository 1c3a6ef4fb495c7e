//! Opens the database that a connection string names, and checks early that it can be used.

pub(in crate::db) mod dial;
pub(in crate::db) mod encryption;
pub(in crate::db) mod libpq;
mod silence;
pub(in crate::db) mod timeouts;
pub(in crate::db) mod tls;

use std::{path::PathBuf, str::FromStr, sync::Arc};

use tokio_postgres::{Config, config::Host, config::SslMode};

use super::answers::limits::{Limits, Progress};
use super::answers::observer::OtherSession;
use super::connection::dial::CONNECT_TIMEOUT;
use super::connection::encryption::{Encryption, Verification, is_local};
use super::connection::silence::{has_parameter, notice_silence};
use super::database::Db;
use super::error::DbError;
use super::pool::{Pool, PoolGroup};

/// The oldest server version that has all we use, as `server_version_num`.
const OLDEST_VERSION: i32 = 150_000;
/// The only server encoding that can store every text that Gazelle sends.
const ENCODING: &str = "UTF8";

/// Where the database is and how to connect to it.
#[derive(Debug, Clone)]
pub struct ConnectSettings {
    /// A `postgres://` URL or libpq's `key=value` words. May contain a password, so it is never printed.
    pub url: String,
    /// A PEM file of CA certificates to trust instead of the system's, such as Supabase's.
    pub ca_file: Option<PathBuf>,
    /// The schema that holds this account's tables.
    pub schema: String,
    /// The most connections used at once.
    pub connections: usize,
}

/// Connects, and checks that the server is recent enough, stores text as UTF-8 and accepts writes. Uses the default
/// [`Limits`].
///
/// # Errors
/// The server cannot be reached or fails one of the checks. Errors name host and database, never user or password.
pub async fn connect(settings: &ConnectSettings) -> Result<Db, DbError> {
    connect_within(settings, Limits::default()).await
}

/// Connects as [`connect`] does, with the given limits.
///
/// # Errors
/// As [`connect`].
pub async fn connect_within(settings: &ConnectSettings, limits: Limits) -> Result<Db, DbError> {
    let opened = open(settings, limits).await?;
    if opened.read_only {
        return Err(DbError::read_only(format!(
            "the database at {} is read-only: a replica, or default_transaction_read_only is on; `gazelle-sync doctor` says \
             which, and what to do",
            opened.place
        )));
    }
    Ok(opened.db)
}

/// Connects as [`connect_within`] does, for reading only: a replica is accepted.
///
/// # Errors
/// As [`connect`].
pub async fn connect_to_read(settings: &ConnectSettings, limits: Limits) -> Result<Db, DbError> {
    Ok(open(settings, limits).await?.db)
}

/// A database that answered, and where it is.
struct OpenedDatabase {
    db: Db,
    /// For messages.
    place: String,
    read_only: bool,
}

async fn open(settings: &ConnectSettings, limits: Limits) -> Result<OpenedDatabase, DbError> {
    let (url, parameters) = take_libpq_parameters(&settings.url);
    let mut config = Config::from_str(&url).map_err(|_| {
        DbError::refused(
            "DATABASE_URL is not a connection string (postgres://user:password@host:5432/database)",
        )
    })?;
    config.application_name("gazelle-sync");
    notice_silence(&mut config, &url, parameters.keepalives_count);
    let place = place(&config);
    let ca_file =
        parameters.ca_file.as_ref().or(settings.ca_file.as_ref()).filter(|_| !parameters.trusts_system);
    let encryption = Encryption::of(&config, parameters.verify, has_parameter(&url, "sslmode"));
    let verification = encryption.verification(&config, parameters.verify || ca_file.is_some());
    config.ssl_mode(encryption.mode);
    if let Some(risk) = encryption.risk {
        tracing::warn!("the way to the database at {place} is not protected: {risk}");
    }
    let tls = tls::connector(ca_file, verification, &place)?;
    // Each address of each host is tried; TLS and login take time too.
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
    let times = u32::try_from(hosts).unwrap_or(u32::MAX).saturating_add(2).clamp(3, 20);
    let connect_limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT) * times;
    let pool = Pool::new(config, tls, connect_limit, settings.connections.max(1));
    let progress = Arc::new(Progress::new());
    let schema = settings.schema.clone();
    let db = Db {
        pool,
        place: PoolGroup::Work,
        limits,
        progress,
        schema,
        is_embedded: false,
        observer: &OtherSession,
    };

    let row = db
        .query(include_str!("server.sql"), &[])
        .await
        .map_err(|e| e.while_doing(&format!("cannot use the database at {place}")))?;
    let row = row.first().ok_or_else(|| DbError::infrastructure("the database answered nothing"))?;
    let (number, version, read_only): (i32, String, bool) =
        (row.get("number"), row.get("version"), row.get("is_read_only"));
    let encoding: String = row.get("encoding");
    if number < OLDEST_VERSION {
        return Err(DbError::refused(format!(
            "the database at {place} is Postgres {version}; 15 or newer is needed: upgrade the server"
        )));
    }
    if encoding != ENCODING {
        return Err(DbError::refused(format!(
            "the database at {place} keeps text as {encoding}, which cannot hold everything that Gazelle sends: {ENCODING} \
             is needed; create another one (CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0) and name it in \
             DATABASE_URL"
        )));
    }
    Ok(OpenedDatabase { db, place, read_only })
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The host's name or address, or the folder of its socket.
    pub host: String,
    /// Whether it is a Unix socket or a loopback address.
    pub is_local: bool,
    /// Whether a server without encryption, or with a certificate that cannot be verified, is refused.
    pub is_protected: bool,
}

/// How the first host of a connection string is reached; `names_authority` says whether the settings name a CA
/// file. `None` if the text is not a connection string.
pub fn route(url: &str, names_authority: bool) -> Option<Route> {
    let (url, parameters) = take_libpq_parameters(url);
    let config = Config::from_str(&url).ok()?;
    let host = match config.get_hosts().first()? {
        Host::Tcp(host) => host.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    };
    let encryption = Encryption::of(&config, parameters.verify, has_parameter(&url, "sslmode"));
    let demanded = parameters.verify || names_authority || parameters.ca_file.is_some();
    let is_verified = encryption.verification(&config, demanded) == Verification::Demanded;
    let is_protected = encryption.mode == SslMode::Require && is_verified;
    Some(Route { host, is_local: is_local(&config), is_protected })
}

/// The first host of a connection string and its database, for people: `db.example.org/shop`. No user and no password.
/// `None` if the text is not a connection string.
pub fn host_and_database(url: &str) -> Option<String> {
    let (url, _) = take_libpq_parameters(url);
    let config = Config::from_str(&url).ok().filter(|_| !has_stray_at(&url))?;
    let port = config.get_ports().first().filter(|port| **port != 5432);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let database = config.get_dbname();
    Some(match (config.get_hosts().first()?, database) {
        (Host::Tcp(host), database) => {
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            format!("{host}{port}{}", database.map(|name| format!("/{name}")).unwrap_or_default())
        }
        #[cfg(unix)]
        (Host::Unix(folder), Some(name)) => format!("{name} on the socket in {}{port}", folder.display()),
        #[cfg(unix)]
        (Host::Unix(folder), None) => format!("on the socket in {}{port}", folder.display()),
    })
}

/// Whether a connection string can be parsed, before connecting.
///
/// # Errors
/// It cannot; the text completes the sentence "DATABASE_URL …" and repeats nothing of the value but the name of a
/// parameter.
pub fn check_url(url: &str) -> Result<(), String> {
    if has_stray_at(url) {
        return Err(
            "has an @ that does not stand between user and host: an @ of a password or a user name must be \
                    written as %40"
                .to_owned(),
        );
    }
    let (url, _) = take_libpq_parameters(url);
    let Err(error) = Config::from_str(&url) else { return Ok(()) };
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let parameter = said.split('`').nth(1).filter(|name| {
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    // It may not be a parameter but the rest of a password that was not percent-encoded.
    let is_parameter = url.split_once('?').is_some_and(|(_, query)| !query.contains('@'));
    Err(match parameter {
        Some(_) if said.starts_with("unknown option") && !is_parameter => {
            "has a parameter that is not known, or a password with characters that must be written as %40 and the like"
                .to_owned()
        }
        Some(name) if said.starts_with("unknown option") => {
            format!("has a parameter that is not known: `{name}`; remove it")
        }
        Some(name) => {
            let is_url = url.contains("://");
            let allowed = match name {
                "sslmode" if is_url => ": it may be disable, prefer, require, verify-ca or verify-full",
                // The driver accepts the stricter ones in a URL only.
                "sslmode" => {
                    ": it may be disable, prefer or require, and in an address like postgres://… also verify-ca or verify-full"
                }
                "channel_binding" => ": it may be disable, prefer or require",
                "target_session_attrs" => ": it may be any, read-write or read-only",
                "load_balance_hosts" => ": it may be disable or random",
                _ => "",
            };
            format!("has a value that cannot be used for the parameter `{name}`{allowed}")
        }
        None => {
            "cannot be read: it must look like postgres://user:password@host:5432/database, with special \
                 characters of the password written as %40 and the like"
                .to_owned()
        }
    })
}

/// Whether an @ in a URL may be part of a password. Our driver takes what follows the first @ as the host: part of
/// the password would be shown in messages as the host and sent to name servers.
fn has_stray_at(url: &str) -> bool {
    let Some((user, rest)) = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')) else {
        return false;
    };
    let in_query = user.split_once('?').is_some_and(|(_, query)| query.contains('='));
    let place = rest.split('?').next().unwrap_or_default();
    let host = place.split('/').next().unwrap_or_default();
    in_query || place.contains('@') || host.contains("%40")
}

/// Parameters that libpq accepts in a URL and our driver does not.
#[derive(Default)]
struct LibpqParameters {
    verify: bool,
    ca_file: Option<PathBuf>,
    /// Whether to trust the system's CAs, whatever the settings name.
    trusts_system: bool,
    /// What our driver calls `keepalives_retries`.
    keepalives_count: Option<u32>,
}

/// Removes from a URL the parameters that our driver would refuse, such as `sslmode=verify-full` and `sslrootcert`.
fn take_libpq_parameters(url: &str) -> (String, LibpqParameters) {
    let mut parameters = LibpqParameters::default();
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), parameters) };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some(("sslmode", "verify-full" | "verify-ca")) => {
                parameters.verify = true;
                false
            }
            // libpq's value for the system's CAs; it implies `verify-full`.
            Some(("sslrootcert", "system")) => {
                (parameters.verify, parameters.trusts_system) = (true, true);
                false
            }
            Some(("sslrootcert", file)) => {
                parameters.ca_file = Some(PathBuf::from(file));
                false
            }
            Some(("keepalives_count", count)) if count.parse::<u32>().is_ok() => {
                parameters.keepalives_count = count.parse().ok();
                false
            }
            // The URLs that Supabase shows contain this parameter for other drivers.
            Some(("pgbouncer", _)) => false,
            _ => true,
        })
        .collect();
    let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    (url, parameters)
}

/// Host, port and database for messages.
fn place(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) if host.contains(':') => format!("[{host}]:{port}"),
        Some(Host::Tcp(host)) => format!("{host}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "an unnamed host".to_owned(),
    };
    match config.get_dbname() {
        Some(name) => format!("{host} (database {name})"),
        None => host,
    }
}

#[cfg(test)]
mod tests;
