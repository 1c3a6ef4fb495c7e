//! Opening the database named by a connection string, with checks that fail early and clearly.

use std::{path::PathBuf, str::FromStr};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::{Config, config::Host, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Db, DbError};

/// The oldest server that has all we use.
const OLDEST_VERSION: i32 = 150_000;

/// Where the database is and how to reach it.
#[derive(Debug, Clone)]
pub struct ConnectSettings {
    /// A `postgres://` URL or libpq's `key=value` words; may hold a password, so it is never printed.
    pub url: String,
    /// Certificates (PEM) to trust besides the system's, such as Supabase's.
    pub ca_file: Option<PathBuf>,
    /// The schema of this account.
    pub schema: String,
    /// The most connections used at once.
    pub connections: usize,
}

/// Connects, and checks that the server is recent enough and writable.
///
/// Errors name host and database, never user or password.
pub async fn connect(settings: &ConnectSettings) -> Result<Db, DbError> {
    let opened = open(settings).await?;
    if opened.read_only {
        return Err(DbError::infrastructure(format!(
            "the database at {} is read-only: connect to the primary, not to a replica, and check \
             default_transaction_read_only",
            opened.place
        )));
    }
    Ok(opened.db)
}

/// Connects as [`connect`] does, to read alone: a replica will do.
pub async fn connect_to_read(settings: &ConnectSettings) -> Result<Db, DbError> {
    Ok(open(settings).await?.db)
}

/// A database that answered.
struct Open {
    db: Db,
    /// For messages.
    place: String,
    read_only: bool,
}

async fn open(settings: &ConnectSettings) -> Result<Open, DbError> {
    let (url, asked) = take_unsupported(&settings.url);
    let mut config = Config::from_str(&url).map_err(|_| {
        DbError::infrastructure(
            "DATABASE_URL is not a connection string (postgres://user:password@host:5432/database)",
        )
    })?;
    config.application_name("gazelle-sync").connect_timeout(std::time::Duration::from_secs(10));
    if asked.verify {
        config.ssl_mode(SslMode::Require);
    }
    let place = place(&config);
    let tls = tls(asked.ca_file.as_ref().or(settings.ca_file.as_ref()))?;
    let manager =
        Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let pool = Pool::builder(manager)
        .max_size(settings.connections)
        .build()
        .map_err(|e| DbError::infrastructure(format!("no connection pool: {e}")))?;
    let db = Db { pool, schema: settings.schema.clone() };

    let row = db
        .query(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool",
            &[],
        )
        .await
        .map_err(|e| e.while_doing(&format!("cannot use the database at {place}")))?;
    let row = row.first().ok_or_else(|| DbError::infrastructure("the database answered nothing"))?;
    let (number, version, read_only): (i32, String, bool) = (row.get(0), row.get(1), row.get(2));
    if number < OLDEST_VERSION {
        return Err(DbError::infrastructure(format!(
            "the database at {place} is Postgres {version}; 15 or newer is needed: upgrade the server"
        )));
    }
    Ok(Open { db, place, read_only })
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Name, address or folder of the socket.
    pub host: String,
    /// A socket of this machine, or a loopback address.
    pub stays_here: bool,
    /// A server that offers no encryption is refused.
    pub demands_tls: bool,
}

/// How the server of a connection string is reached; none where it is no connection string.
pub fn way(url: &str) -> Option<Way> {
    let (url, asked) = take_unsupported(url);
    let config = Config::from_str(&url).ok()?;
    let (host, stays_here) = match config.get_hosts().first()? {
        Host::Tcp(host) => {
            let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
            (host.clone(), loopback || host == "localhost")
        }
        #[cfg(unix)]
        Host::Unix(folder) => (folder.display().to_string(), true),
    };
    Some(Way { host, stays_here, demands_tls: asked.verify || config.get_ssl_mode() == SslMode::Require })
}

/// Whether a connection string can be used, before anything is connected. The error completes the sentence
/// "DATABASE_URL …" and repeats nothing of the value but the name of a parameter.
pub fn check_url(url: &str) -> Result<(), String> {
    let (url, _) = take_unsupported(url);
    let Err(error) = Config::from_str(&url) else { return Ok(()) };
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let parameter = said.split('`').nth(1).filter(|name| {
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    });
    // What looks like a parameter can be the rest of a password that was not written as it must be.
    let is_parameter = url.split_once('?').is_some_and(|(_, query)| !query.contains('@'));
    Err(match parameter {
        Some(_) if said.starts_with("unknown option") && !is_parameter => {
            "has a parameter that is not known, or a password with characters that must be written as %40 and the like"
                .to_owned()
        }
        Some(name) if said.starts_with("unknown option") => {
            format!("has a parameter that is not known: `{name}`; remove it")
        }
        Some(name) => format!("has a value that cannot be used for the parameter `{name}`"),
        None => {
            "cannot be read: it must look like postgres://user:password@host:5432/database, with special \
                 characters of the password written as %40 and the like"
                .to_owned()
        }
    })
}

/// What libpq understands in a URL and our driver does not.
#[derive(Default)]
struct Asked {
    verify: bool,
    ca_file: Option<PathBuf>,
}

/// Takes `sslmode=verify-*` and `sslrootcert` out of a URL: connections are always verified when
/// encrypted, so that the former only asks for encryption.
fn take_unsupported(url: &str) -> (String, Asked) {
    let mut asked = Asked::default();
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), asked) };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some(("sslmode", "verify-full" | "verify-ca")) => {
                asked.verify = true;
                false
            }
            Some(("sslrootcert", file)) => {
                asked.ca_file = Some(PathBuf::from(file));
                false
            }
            // Supabase's copied URLs carry this word for other drivers' sake.
            Some(("pgbouncer", _)) => false,
            _ => true,
        })
        .collect();
    let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    (url, asked)
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

/// TLS that verifies, trusting the system's certificates and the given file's.
fn tls(ca_file: Option<&PathBuf>) -> Result<MakeRustlsConnect, DbError> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        let unreadable = |why: String| {
            DbError::infrastructure(format!("the certificate file {} is not usable: {why}", file.display()))
        };
        let certificates = CertificateDer::pem_file_iter(file).map_err(|e| unreadable(e.to_string()))?;
        let mut found = false;
        for certificate in certificates {
            let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
            roots.add(certificate).map_err(|e| unreadable(e.to_string()))?;
            found = true;
        }
        if !found {
            return Err(unreadable("it holds no certificate in PEM form".to_owned()));
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| DbError::infrastructure(format!("TLS is not available: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_that_cannot_be_used_is_told_by_the_name_of_its_parameter() {
        for good in [
            "postgres://sync:geheim@db/shop?sslmode=verify-full&sslrootcert=/ca.pem&pgbouncer=true",
            "host=db user=sync password=geheim",
            "postgres://one,two:5433/shop?target_session_attrs=read-write",
        ] {
            assert_eq!(check_url(good), Ok(()));
        }
        for (wrong, told) in [
            ("postgres://sync:geheim@127.0.0.1:55999/f1?foo=bar", "`foo`"),
            ("postgres://sync:geheim@db/shop?sslmode=perhaps", "`sslmode`"),
            ("postgres://sync:geheim@db:many/shop", "`port`"),
            ("postgres://geheim@[", "`host`"),
            ("host=db password=so geheim=x", "a parameter that is not known"),
            ("postgres://sync:so@db?geheim=x@db/shop", "a parameter that is not known"),
            ("postgres://sync@db/shop?Geheim=x", "cannot be read"),
        ] {
            let error = check_url(wrong).unwrap_err();
            assert!(error.contains(told) && !error.to_lowercase().contains("geheim"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_place_names_host_port_and_database_and_no_person() {
        for (url, told) in [
            ("postgres://sync:geheim@db/shop", "db:5432 (database shop)"),
            ("postgres://sync:geheim@127.0.0.1:55999/shop", "127.0.0.1:55999 (database shop)"),
            ("postgres://sync@[::1]:6543/shop", "[::1]:6543 (database shop)"),
        ] {
            assert_eq!(place(&Config::from_str(url).unwrap()), told);
        }
    }
}
