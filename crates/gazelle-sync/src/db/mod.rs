//! The database: its pool and its transactions.
//!
//! Everything works behind a transaction pooler: statements travel whole (`query_typed`, never a
//! named prepared statement), nothing is kept in a session, and names carry their schema. Functions, operators and types
//! that carry none are those of `pg_catalog`: every statement is part of a transaction that says so.

mod answered;
pub mod citus;
mod clock;
mod connect;
mod dial;
mod encryption;
mod error;
mod locks;
mod measured;
mod pool;
mod refused;
mod room;
mod rows;
mod session;
pub mod sqlstate;
pub mod statements;
mod template;
mod timeouts;
mod tls;
mod transaction;
mod utc;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Row, types::ToSql, types::Type};

use answered::{Heard, Progress};
use pool::{Place, Pool};

pub use answered::Limits;
pub use connect::{ConnectSettings, Route, check_url, connect, connect_to_read, connect_within, route};
pub use error::{CONFLICT_ATTEMPTS, DbError, Fault};
pub use locks::{Blocker, LockWait, lock_waits};
pub use pool::BESIDE_WORK;
pub use room::most_of_answers;
pub use template::Template;
pub use timeouts::Timeout;
pub use transaction::{Begin, Connection, Tx};
pub use utc::Utc;

/// A parameter with its SQL type.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Parameters as the driver takes them one by one.
fn each<'p>(params: &'p [Param<'p>]) -> impl ExactSizeIterator<Item = (&'p (dyn ToSql + Sync), Type)> {
    params.iter().map(|(value, of)| (*value, of.clone()))
}

/// The server's process of a transaction, asked for along with its settings.
const ASK_PID: &str = "SELECT pg_catalog.pg_backend_pid()";

/// Where names without a schema are looked for until the transaction ends. Not in a schema in which others may create: a
/// function there that fits an argument better than the one of `pg_catalog` would be called, with the rights of whoever
/// runs us. Temporary tables come last and hold no functions.
const SEARCH_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// The database of one account: a pool and the schema that holds all its tables. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    place: Place,
    limits: Limits,
    progress: Arc<Progress>,
    schema: String,
}

impl Db {
    /// The schema's name, as given in the settings.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The most connections used at once.
    pub fn most_connections(&self) -> usize {
        self.pool.size()
    }

    /// The same database for short statements that must not wait behind the work, such as the renewal of a lease, and
    /// which must not make the work wait, such as the reading of metrics: over few connections beside those of the
    /// work, and given up after five seconds.
    pub fn aside(&self) -> Db {
        // A lease is renewed while all work hangs.
        Db { place: Place::Aside, ..self.beside() }
    }

    /// The same database for stored tokens: refreshing one holds a connection while it waits for the API, beside what
    /// the work may use at once.
    pub fn for_tokens(&self) -> Db {
        Db { place: Place::Tokens, ..self.beside() }
    }

    /// The same database, whose answers do not count as progress of the work: see [`Db::since_progress`].
    pub fn beside(&self) -> Db {
        Db { progress: Arc::new(Progress::new()), ..self.clone() }
    }

    /// How long ago the database answered a statement of the work, or was seen working on one.
    pub fn since_progress(&self) -> Duration {
        self.progress.last().elapsed()
    }

    /// Whether the database answers a question over a new connection, in this time. Where the server grants few
    /// connections, none may be left to ask with: then it counts as answering.
    pub async fn answers_within(&self, limit: Duration) -> bool {
        // Those that there are may be what is silent.
        self.pool.renew();
        let aside = self.aside();
        match tokio::time::timeout(limit, aside.query("SELECT 1", &[])).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => error.state.is_some(),
            Err(_) => self.pool.is_short(),
        }
    }

    /// Closes the pool: connections end, later calls fail.
    pub fn close(&self) {
        self.pool.close();
    }

    /// A statement with `{schema}` filled in, as an identifier, and `{schema_text}`, as a text literal.
    pub fn sql(&self, template: &str) -> String {
        let sql = template.replace("{schema}", &quote(&self.schema));
        if sql.contains("{schema_text}") {
            return sql.replace("{schema_text}", &format!("'{}'", self.schema.replace('\'', "''")));
        }
        sql
    }

    /// A connection of the pool.
    pub async fn connection(&self) -> Result<Connection, DbError> {
        let pooled = self.pool.get(self.place).await?;
        Ok(Connection::new(pooled, self.clone()))
    }

    /// One statement, in a transaction of its own; returns its rows.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let mut connection = self.connection().await?;
        if self.place == Place::Aside {
            // For its limit, which without a transaction would be the session's.
            let tx = connection.begin().await?;
            let rows = tx.query(template, params).await?;
            tx.commit_quietly().await?;
            return Ok(rows);
        }
        let ask = async |client: &Client, heard: &Heard, sql: &str| {
            heard.rows(client.query_typed_raw(sql, each(params)).await).await
        };
        // Boxed, as in a transaction: the future of whoever asks would be as large.
        rows::readable(Box::pin(connection.single(template, ask)).await?, template)
    }

    /// One statement, in a transaction of its own; returns how many rows it wrote.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let mut connection = self.connection().await?;
        if self.place == Place::Aside {
            let tx = connection.begin().await?;
            let rows = tx.execute(template, params).await?;
            tx.commit_quietly().await?;
            return Ok(rows);
        }
        let ask = async |client: &Client, _: &Heard, sql: &str| client.execute_typed(sql, params).await;
        Box::pin(connection.single(template, ask)).await
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Quotes an identifier.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
