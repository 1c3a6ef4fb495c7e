//! Opens what a command works on: the configured or the embedded database, and the API client.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use secrecy::ExposeSecret;

use crate::config::Settings;
use crate::credentials;
use crate::db::{self, ConnectSettings, Db};
use crate::display::{self, Lines};
use crate::source::{GazelleClient, SourceSettings};

/// The name of the database in the embedded server.
const EMBEDDED_DATABASE: &str = "gazelle";

/// There is no database, and the command can do nothing without one: it creates none.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no database yet: DATABASE_URL is not set, and the data folder {} holds no embedded database; \
     `gazelle-sync sync` creates it, `gazelle-sync demo` creates one with made-up data, DATABASE_URL names another",
    .folder.display()
)]
pub struct NoDatabase {
    folder: PathBuf,
}

/// An open database. The embedded server behind it, if any, stops when its last user leaves.
pub struct Opened {
    /// The database.
    pub db: Db,
    server: Option<embedded_postgres::Server>,
}

impl Opened {
    /// Opens the database of `DATABASE_URL`, or the embedded one if that is not set.
    ///
    /// # Errors
    /// The embedded server does not start, or the database cannot be used.
    pub async fn open(settings: &Settings) -> Result<Opened> {
        let limits = settings.database_limits();
        match &settings.database_url {
            Some(url) => {
                let db = db::connect_within(&connect_settings(settings, url.expose_secret()), limits).await?;
                Ok(Opened { db, server: None })
            }
            None => Opened::embedded(settings).await,
        }
    }

    /// As [`Opened::open`], for a command that fills a database: says on stderr that it creates the embedded one, before
    /// it does.
    ///
    /// # Errors
    /// As [`Opened::open`].
    pub async fn open_or_create(settings: &Settings) -> Result<Opened> {
        if let Some(said) = creation(settings) {
            let mut lines = Lines::new();
            lines.wrapped(said, 2);
            display::print_to_stderr(lines);
        }
        Opened::open(settings).await
    }

    /// As [`Opened::open`], for a command that works on what is stored: it does not create an embedded database, which
    /// would be empty.
    ///
    /// # Errors
    /// [`NoDatabase`], and as [`Opened::open`].
    pub async fn open_existing(settings: &Settings) -> Result<Opened> {
        if lacks_database(settings) {
            return Err(NoDatabase { folder: settings.data_dir.clone() }.into());
        }
        Opened::open(settings).await
    }

    /// As [`Opened::open_existing`], for a command that writes nothing: a replica is accepted.
    ///
    /// # Errors
    /// As [`Opened::open_existing`].
    pub async fn open_to_read(settings: &Settings) -> Result<Opened> {
        let limits = settings.database_limits();
        match &settings.database_url {
            Some(url) => {
                let db =
                    db::connect_to_read(&connect_settings(settings, url.expose_secret()), limits).await?;
                Ok(Opened { db, server: None })
            }
            None => Opened::open_existing(settings).await,
        }
    }

    /// Opens the embedded database, starting its server if it is not running.
    ///
    /// # Errors
    /// The server does not start, or the database cannot be used.
    pub async fn embedded(settings: &Settings) -> Result<Opened> {
        Opened::embedded_or(settings, "set DATABASE_URL to use another").await
    }

    /// As [`Opened::embedded`]; if the server does not start, the error offers the alternative `otherwise`.
    ///
    /// # Errors
    /// As [`Opened::embedded`].
    pub async fn embedded_or(settings: &Settings, otherwise: &str) -> Result<Opened> {
        let server = embedded_postgres::Server::start_or_attach(embedded_options(settings))
            .await
            // As text: its message already contains its cause, which printing the chain would repeat.
            .map_err(|error| anyhow!("the embedded database does not start (or {otherwise}): {error}"))?;
        let to = connect_settings(settings, &server.connection_string());
        let db = db::connect_within(&to, settings.database_limits()).await?.in_embedded_server();
        Ok(Opened { db, server: Some(server) })
    }

    /// The connection string of the embedded database, for `psql`; `None` for `DATABASE_URL`, whose password is not
    /// shown.
    pub fn embedded_url(&self) -> Option<String> {
        self.server.as_ref().map(embedded_postgres::Server::connection_string)
    }

    /// The embedded server; `None` for `DATABASE_URL`.
    pub fn server(&self) -> Option<&embedded_postgres::Server> {
        self.server.as_ref()
    }

    /// The operating system account that the embedded server runs as, if other services may run as it too.
    pub fn shared_account(&self) -> Option<&str> {
        self.server.as_ref()?.shared_account()
    }

    /// Whether the embedded server was running before this command, so that it stays running after it.
    pub fn was_running(&self) -> bool {
        self.server.as_ref().is_some_and(|server| !server.started_here())
    }

    /// Stops the embedded server, even if it was to be left running.
    ///
    /// # Errors
    /// The server does not stop.
    pub async fn stop(self) -> Result<()> {
        self.db.close();
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(())
    }

    /// Leaves the embedded server; it stops when its last user leaves.
    ///
    /// # Errors
    /// The server, without other users, does not stop.
    pub async fn close(self) -> Result<()> {
        self.db.close();
        if let Some(server) = self.server {
            server.leave().await?;
        }
        Ok(())
    }

    /// Leaves the embedded server running for `psql` and later commands.
    ///
    /// # Errors
    /// As [`embedded_postgres::Server::leave_running`].
    pub async fn leave_running(self) -> Result<()> {
        self.db.close();
        if let Some(server) = self.server {
            server.leave_running().await?;
        }
        Ok(())
    }
}

/// Whether the embedded database is to be used and does not exist yet.
fn lacks_database(settings: &Settings) -> bool {
    settings.database_url.is_none() && !embedded_postgres::has_cluster(&settings.data_dir)
}

/// What to say before the embedded database is created; `None` if there is a database.
pub fn creation(settings: &Settings) -> Option<String> {
    lacks_database(settings).then(|| {
        format!(
            "DATABASE_URL is not set: creating an embedded PostgreSQL database in the data folder {} (`gazelle-sync psql` \
             opens it)",
            settings.data_dir.display()
        )
    })
}

/// The options of the embedded server.
fn embedded_options(settings: &Settings) -> embedded_postgres::Options {
    let mut options = embedded_postgres::Options::new(&settings.data_dir);
    options.bin_dir = settings.postgres_bin_dir.clone();
    options.database = EMBEDDED_DATABASE.to_owned();
    options
}

/// The embedded server, if it runs; it is not started.
///
/// # Errors
/// Its folder cannot be used, or it does not answer.
pub async fn running_server(settings: &Settings) -> Result<Option<embedded_postgres::Server>> {
    let attached = embedded_postgres::Server::attach(embedded_options(settings)).await;
    // As text: its message already contains its cause.
    attached.map_err(|error| anyhow!("the embedded database: {error}"))
}

/// How this program connects to a database at this address.
pub fn connect_settings(settings: &Settings, url: &str) -> ConnectSettings {
    ConnectSettings {
        url: url.to_owned(),
        ca_file: settings.database_ca_file.clone(),
        schema: settings.schema.clone(),
        // The default is enough for two lanes of the current entity and two of an entity that stages as pending,
        // for reading and writing left-over versions, and for bookkeeping.
        connections: settings.database_connections,
    }
}

/// The API client with the configured credentials. An open database is also used for stored tokens.
///
/// # Errors
/// There is no credential, or a setting that it needs is missing; the HTTP client cannot be built.
pub fn client(settings: &Settings, open: Option<&Opened>) -> Result<GazelleClient> {
    let credential = credentials::of(settings, open.map(|opened| &opened.db))?;
    Ok(GazelleClient::new(source_settings(settings), credential)?)
}

/// The API client's settings.
pub fn source_settings(settings: &Settings) -> SourceSettings {
    SourceSettings {
        graphql_url: settings.api_url.to_string(),
        oauth_url: Some(settings.oauth_url.to_string()),
        timeout: settings.timeout(),
        attempts: settings.attempts,
        retry_delay: settings.retry_delay(),
        concurrency: settings.concurrency,
        max_response_bytes: settings.max_response_bytes(),
        ..SourceSettings::default()
    }
}
