//! The database: its pool, its transactions, its migrations.
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
pub mod migrate;
mod migrations;
pub mod owners;
mod pool;
mod refused;
mod session;
pub mod sqlstate;
pub mod statements;
mod timeouts;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join4;
use tokio_postgres::{Client, Row, Transaction, types::ToSql, types::Type};

use answered::{Heard, Progress, Sent};
use pool::{Place, Pool, Pooled};
use session::Unanswered;
use timeouts::Timeouts;

pub use answered::Limits;
pub use connect::{ConnectSettings, Way, check_url, connect, connect_to_read, connect_within, way};
pub use error::{DbError, Fault};
pub use locks::{Blocker, LockWait, lock_waits};
pub use timeouts::Timeout;

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
        Ok(Connection { pooled, db: self.clone() })
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
        Box::pin(self.single(template, connection, ask)).await
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
        Box::pin(self.single(template, connection, ask)).await
    }

    /// A statement with the beginning and the end of a transaction, sent together: one round trip.
    async fn single<T>(
        &self,
        template: &str,
        mut connection: Connection,
        ask: impl AsyncFnOnce(&Client, &Heard, &str) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DbError> {
        let sql = self.sql(template);
        let session = connection.pooled.session()?;
        let unanswered = session.unanswered();
        let client = &session.client;
        // The process is answered at once, however long the statement waits.
        let set = format!("{SEARCH_PATH}; {ASK_PID}");
        let heard = Heard::default();
        let set = async { client.simple_query(&set).await.map(|answer| heard.note_pid(&answer)) };
        // They are polled in this order, and polling is what sends.
        let together = join4(
            client.batch_execute("BEGIN"),
            set,
            ask(client, &heard, &sql),
            client.batch_execute("COMMIT"),
        );
        let work = async {
            let (begun, set, answer, ended) = together.await;
            begun?;
            set?;
            let answer = answer?;
            // What a failed statement leaves is rolled back by it.
            ended?;
            Ok(answer)
        };
        let sent = Sent { unanswered: &unanswered, heard: &heard, batch: false, template, sql: &sql };
        answered::answer(self, sent, work).await
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// A pooled connection.
pub struct Connection {
    pooled: Pooled,
    db: Db,
}

impl Connection {
    /// Begins a transaction; dropping it without [`Tx::commit`] rolls it back.
    pub async fn begin(&mut self) -> Result<Tx<'_>, DbError> {
        self.begin_with(ASK_PID).await
    }

    /// Begins a transaction whose commit does not wait for the disk. A server that crashes within the next second may
    /// have forgotten it, and what was committed after it, each as a whole; the commit of a transaction of
    /// [`Connection::begin`] that writes makes all before it last.
    pub async fn begin_unflushed(&mut self) -> Result<Tx<'_>, DbError> {
        self.begin_with(&format!("SET LOCAL synchronous_commit = off; {ASK_PID}")).await
    }

    async fn begin_with(&mut self, more: &str) -> Result<Tx<'_>, DbError> {
        let Connection { pooled, db } = self;
        let db: &Db = db;
        let session = pooled.session()?;
        let unanswered = session.unanswered();
        let heard = Heard::default();
        let sent = |sql| Sent { unanswered: &unanswered, heard: &heard, batch: true, template: "BEGIN", sql };
        let own = match session.timeouts {
            Some(own) => own,
            None => {
                // Before the transaction, since in a snapshot the first query fixes what is seen.
                let asking = session.client.simple_query(Timeouts::QUESTION);
                let answer = answered::answer(db, sent(Timeouts::QUESTION), asking).await?;
                *session.timeouts.insert(Timeouts::read(&answer))
            }
        };
        let transaction = answered::answer(db, sent("BEGIN"), session.client.transaction()).await?;
        let ours = match db.place {
            Place::Aside => answered::ASIDE_TIMEOUT,
            Place::Work | Place::Tokens => answered::BATCH_TIMEOUT,
        };
        // Compiling a plan pays for reports; our statements are short, and estimates for tables that are just
        // being filled are high enough to trigger it each time.
        let settings = format!(
            "{SEARCH_PATH}; SET LOCAL jit = off; SET LOCAL statement_timeout = {}; {more}",
            own.at_most(Timeout::Statement, ours)
        );
        let messages = answered::answer(db, sent(&settings), transaction.simple_query(&settings)).await?;
        heard.note_pid(&messages);
        Ok(Tx { transaction, db, unanswered, heard, own })
    }

    /// Begins a transaction that sees the database as it is now, whatever others commit since.
    pub async fn begin_snapshot(&mut self) -> Result<Tx<'_>, DbError> {
        // The first query fixes what is seen.
        self.begin_with(&format!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; {ASK_PID}")).await
    }
}

/// A transaction in progress.
pub struct Tx<'c> {
    transaction: Transaction<'c>,
    db: &'c Db,
    unanswered: Unanswered,
    /// Of the server, for as long as the transaction lasts.
    heard: Heard,
    own: Timeouts,
}

impl Tx<'_> {
    /// Sets a timeout until the transaction ends; the session's own where that is shorter.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn limit(&self, timeout: Timeout, ours: Duration) -> Result<(), DbError> {
        self.batch_as_is(&format!("SET LOCAL {} = {}", timeout.name(), self.at_most(timeout, ours))).await
    }

    /// A timeout of ours, in milliseconds, or the session's own where that is shorter.
    pub fn at_most(&self, timeout: Timeout, ours: Duration) -> u64 {
        self.own.at_most(timeout, ours)
    }

    fn sent<'s>(&'s self, template: &'s str, sql: &'s str) -> Sent<'s> {
        Sent { unanswered: &self.unanswered, heard: &self.heard, batch: true, template, sql }
    }

    /// One statement; returns its rows.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let sql = self.db.sql(template);
        let work =
            async { self.heard.rows(self.transaction.query_typed_raw(&sql, each(params)).await).await };
        Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await
    }

    /// One statement; returns how many rows it wrote.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let sql = self.db.sql(template);
        let work = self.transaction.execute_typed(&sql, params);
        Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await
    }

    /// As [`Tx::execute`] without parameters, but braces in the text are not filled in.
    pub async fn execute_as_is(&self, sql: &str) -> Result<u64, DbError> {
        answered::answer(self.db, self.sent(sql, sql), self.transaction.execute_typed(sql, &[])).await
    }

    /// Several statements without parameters, in order, each in a message of its own (see [`statements`]).
    ///
    /// # Errors
    /// The first statement that the database refuses; none after it has an effect.
    pub async fn batch(&self, template: &str) -> Result<(), DbError> {
        self.batch_as_is(&self.db.sql(template)).await
    }

    /// As [`Tx::batch`], but braces in the text are not filled in.
    ///
    /// # Errors
    /// As [`Tx::batch`].
    pub async fn batch_as_is(&self, sql: &str) -> Result<(), DbError> {
        // All are sent before the first is answered, so that many cost one round trip. After a refusal the server
        // refuses whatever follows in the transaction.
        let work = async {
            let mut answers = Vec::new();
            for statement in statements::split(sql) {
                let mut answer = Box::pin(self.transaction.batch_execute(statement));
                // Polling is what sends.
                match answer.as_mut().now_or_never() {
                    Some(outcome) => outcome.map_err(|error| (error, statement))?,
                    None => answers.push(async move { answer.await.map_err(|error| (error, statement)) }),
                }
            }
            for answer in answers {
                answer.await?;
            }
            Ok(())
        };
        // The server shows each statement by itself: of several none can be told by its text.
        let mut each = statements::split(sql).into_iter();
        let shown = each.next().filter(|_| each.next().is_none()).unwrap_or_default();
        answered::answer_each(self.db, self.sent(sql, shown), work).await
    }

    /// The account's schema.
    pub fn schema(&self) -> &str {
        self.db.schema()
    }

    /// A statement with `{schema}` filled in, as [`Db::sql`] does.
    pub fn sql(&self, template: &str) -> String {
        self.db.sql(template)
    }

    /// Undoes everything since [`Connection::begin`], as dropping does, and waits until it is undone.
    pub async fn rollback(self) -> Result<(), DbError> {
        let sent = Sent {
            unanswered: &self.unanswered,
            heard: &self.heard,
            batch: true,
            template: "ROLLBACK",
            sql: "ROLLBACK",
        };
        answered::answer(self.db, sent, self.transaction.rollback()).await
    }

    /// Makes everything since [`Connection::begin`] last.
    pub async fn commit(self) -> Result<(), DbError> {
        crate::crash::at(crate::crash::Step::BeforeCommit);
        self.commit_quietly().await?;
        crate::crash::at(crate::crash::Step::AfterCommit);
        Ok(())
    }

    /// A commit that is no step at which a test kills the program.
    async fn commit_quietly(self) -> Result<(), DbError> {
        let sent = Sent {
            unanswered: &self.unanswered,
            heard: &self.heard,
            batch: true,
            template: "COMMIT",
            sql: "COMMIT",
        };
        answered::answer(self.db, sent, self.transaction.commit()).await
    }
}

/// Quotes an identifier.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
