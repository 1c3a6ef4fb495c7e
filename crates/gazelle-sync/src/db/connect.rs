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
    if read_only {
        return Err(DbError::infrastructure(format!(
            "the database at {place} is read-only: connect to the primary, not to a replica, and check \
             default_transaction_read_only"
        )));
    }
    Ok(db)
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

/// Host and database for messages.
fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
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
