//! Runs transactions over a pooled connection.

pub(in crate::db) mod bisect;
pub(in crate::db) mod conflicts;
pub(in crate::db) mod rows;
mod savepoint;
pub(in crate::db) mod single;

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join;
use tokio_postgres::{Client, Row};

use super::answers::answered;
use super::answers::limits::{ASIDE_TIMEOUT, BATCH_TIMEOUT, PAGE_TIMEOUT};
use super::connection::timeouts::{Timeout, Timeouts};
use super::database::Db;
use super::error::DbError;
use super::pool::sent::{Param, ResponseProgress, Sent, each};
use super::pool::session::Unanswered;
use super::pool::{Place, Pooled};
use super::statements;

/// Returns the server process; sent along with the transaction's settings.
const ASK_PID: &str = "SELECT pg_catalog.pg_backend_pid()";

/// Where names without a schema are looked up until the transaction ends. Not in a schema where others may create:
/// a function there that matches the argument types better than the one of `pg_catalog` would be called, with our
/// rights. Temporary tables come last and contain no functions.
const SEARCH_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// Settings that change how our SQL is read, what its parts do, or how values become text: the owner of the database
/// may set them for every session of it. With the first one off, a backslash in a literal would go missing and a
/// literal could end elsewhere. What else may be set changes none of that (`hostile_settings` in the tests).
const PINNED: [(&str, &str); 10] = [
    // What others have committed before each statement, so that a look behind a lock sees what was waited for.
    ("transaction_isolation", "'read committed'"),
    ("standard_conforming_strings", "on"),
    ("quote_all_identifiers", "off"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("bytea_output", "hex"),
    // The order of day and month stays the session's: nothing of ours writes a date that depends on it.
    ("datestyle", "iso"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "1"),
    ("xmloption", "content"),
];

/// Sets all of these until the transaction ends. Sent, and answered, before anything that depends on them: the text of
/// a message is read with the settings that hold when it arrives.
static SETTINGS: LazyLock<String> = LazyLock::new(|| {
    let pinned = PINNED.iter().map(|(name, value)| format!("; SET LOCAL {name} = {value}"));
    format!("{SEARCH_PATH}{}", pinned.collect::<String>())
});

/// What a transaction with [`Begin::snapshot`] sees.
const SNAPSHOT: &str = "SET LOCAL transaction_isolation = 'repeatable read'";

/// What a transaction with [`Begin::read_only`] may do.
const READ_ONLY: &str = "SET LOCAL transaction_read_only = on";

/// A pooled connection.
pub struct Connection {
    pooled: Pooled,
    db: Db,
}

/// Options of a transaction.
#[derive(Default)]
pub struct Begin<'a> {
    /// Whether it sees the database as of its beginning (REPEATABLE READ).
    pub snapshot: bool,
    /// Whether the server refuses every statement of it that writes.
    pub read_only: bool,
    /// Whether its commit does not wait for the disk (`synchronous_commit = off`). If the server crashes within
    /// about a second, this transaction and those committed after it may be lost, each as a whole. The next commit
    /// that waits for the disk makes all earlier ones durable.
    pub unflushed: bool,
    /// How long it may be idle before the server ends it, unless the session has a shorter limit.
    pub longest_pause: Option<Duration>,
    /// A first statement and its parameters. With `snapshot` it fixes what the transaction sees.
    pub first: Option<(&'a str, &'a [Param<'a>])>,
}

impl Connection {
    pub(in crate::db) fn new(pooled: Pooled, db: Db) -> Connection {
        Connection { pooled, db }
    }

    /// Begins a transaction; dropping it without [`Tx::commit`] rolls it back.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(&mut self) -> Result<Tx<'_>, DbError> {
        Ok(self.begin_with(Begin::default()).await?.0)
    }

    /// Begins a transaction that sees the database as it is now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin_snapshot(&mut self) -> Result<Tx<'_>, DbError> {
        Ok(self.begin_with(Begin { snapshot: true, ..Begin::default() }).await?.0)
    }

    /// Begins a transaction, and returns the rows of its first statement. `BEGIN` and the settings are sent together,
    /// and the statement once both are answered: if `BEGIN` failed, it would run on its own, with the session's settings.
    ///
    /// # Errors
    /// Those of the database, also if it refuses the first statement: then no transaction is open.
    pub async fn begin_with(&mut self, begin: Begin<'_>) -> Result<(Tx<'_>, Vec<Row>), DbError> {
        let Connection { pooled, db } = self;
        let db: &Db = db;
        let session = pooled.session()?;
        let unanswered = session.unanswered();
        let response = ResponseProgress::default();
        let sent =
            |template, sql| Sent { unanswered: &unanswered, response: &response, batch: true, template, sql };
        let own = match session.timeouts {
            Some(own) => own,
            None => {
                // Before the transaction, since the first query of a snapshot fixes what it sees.
                let asking = session.client.simple_query(Timeouts::QUESTION);
                let answer = answered::answer(db, sent("BEGIN", Timeouts::QUESTION), asking).await?;
                *session.timeouts.insert(Timeouts::read(&answer))
            }
        };
        let settings = begin.settings(db.place, own);
        let open = opened(db, &session.client, sent("BEGIN", &settings)).await?;
        let rows = match begin.first {
            None => Vec::new(),
            Some((template, params)) => {
                let first = db.sql(template);
                let ask =
                    async { response.rows(open.client.query_typed_raw(&first, each(params)).await).await };
                // Boxed: otherwise the future of every caller would be as large.
                Box::pin(answered::answer(db, sent(template, &first), ask)).await?
            }
        };
        Ok((Tx { open, db, unanswered, response, own }, rows))
    }

    /// Runs a statement in a transaction of its own, with the session's timeouts. It is sent with its COMMIT, once
    /// `BEGIN` and the settings are answered.
    pub(in crate::db) async fn single<T>(
        mut self,
        template: &str,
        ask: impl AsyncFnOnce(&Client, &ResponseProgress, &str) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DbError> {
        let Connection { pooled, db } = &mut self;
        let sql = db.sql(template);
        let session = pooled.session()?;
        let unanswered = session.unanswered();
        let response = ResponseProgress::default();
        let sent = |sql| Sent { unanswered: &unanswered, response: &response, batch: false, template, sql };
        let settings = format!("{}; {ASK_PID}", *SETTINGS);
        let mut open = opened(db, &session.client, sent(&settings)).await?;
        let work = async {
            open.is_over = true;
            // They are polled in this order, and polling sends them.
            let (answer, ended) =
                join(ask(open.client, &response, &sql), open.client.batch_execute("COMMIT")).await;
            let answer = answer?;
            // After a failed statement, COMMIT rolls back.
            ended?;
            Ok(answer)
        };
        answered::answer(db, sent(&sql), work).await
    }
}

/// Begins a transaction with the settings that are to be sent, and notes its server process: two messages, one round
/// trip. Only what is sent afterwards is sure to be in the transaction.
async fn opened<'c>(db: &Db, client: &'c Client, settings: Sent<'_>) -> Result<RollbackOnDrop<'c>, DbError> {
    let open = RollbackOnDrop { client, is_over: false };
    let (sql, response) = (settings.sql, settings.response);
    let work = async {
        // The process is known from now on, however long a statement waits.
        let set = async { client.simple_query(sql).await.map(|answer| response.note_pid(&answer)) };
        // They are polled in this order, and polling sends them.
        let (begun, set) = join(client.batch_execute("BEGIN"), set).await;
        begun.and(set)
    };
    // Boxed: otherwise the future of every caller would be as large.
    Box::pin(answered::answer(db, settings, work)).await?;
    Ok(open)
}

impl Begin<'_> {
    /// The settings for the transaction, and the query for the server process.
    fn settings(&self, place: Place, own: Timeouts) -> String {
        let ours = match place {
            Place::Aside => ASIDE_TIMEOUT,
            Place::Pages => PAGE_TIMEOUT,
            Place::Work | Place::Tokens => BATCH_TIMEOUT,
        };
        let mut settings = SETTINGS.clone();
        let mut set = |name: &str, value: &str| settings.extend(["; SET LOCAL ", name, " = ", value]);
        // JIT compilation pays off for reports. Our statements are short, but estimates for tables that are being
        // filled are high enough to trigger it each time.
        set("jit", "off");
        let mut limit = |timeout: Timeout, ours| set(timeout.name(), &own.at_most(timeout, ours).to_string());
        limit(Timeout::Statement, ours);
        if let Some(pause) = self.longest_pause {
            limit(Timeout::IdleInTransaction, pause);
        }
        if self.unflushed {
            set("synchronous_commit", "off");
        }
        if self.snapshot {
            settings.extend(["; ", SNAPSHOT]);
        }
        if self.read_only {
            settings.extend(["; ", READ_ONLY]);
        }
        format!("{settings}; {ASK_PID}")
    }
}

/// Rolls a transaction back on drop, unless it has ended.
struct RollbackOnDrop<'c> {
    client: &'c Client,
    is_over: bool,
}

impl Drop for RollbackOnDrop<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // Polling once sends it, before any later statement.
            drop(self.client.batch_execute("ROLLBACK").now_or_never());
        }
    }
}

/// A transaction in progress.
pub struct Tx<'c> {
    open: RollbackOnDrop<'c>,
    db: &'c Db,
    unanswered: Unanswered,
    /// What was received from the server during the transaction.
    response: ResponseProgress,
    own: Timeouts,
}

impl Tx<'_> {
    /// Sets a timeout until the transaction ends; the session's own if that is shorter.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn limit(&self, timeout: Timeout, ours: Duration) -> Result<(), DbError> {
        let milliseconds = self.own.at_most(timeout, ours);
        self.batch_as_is(&format!("SET LOCAL {} = {milliseconds}", timeout.name())).await
    }

    fn sent<'s>(&'s self, template: &'s str, sql: &'s str) -> Sent<'s> {
        Sent { unanswered: &self.unanswered, response: &self.response, batch: true, template, sql }
    }

    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// Those of the database; a returned time that cannot be read.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let sql = self.db.sql(template);
        let work =
            async { self.response.rows(self.open.client.query_typed_raw(&sql, each(params)).await).await };
        rows::readable(Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await?, template)
    }

    /// Runs one statement and returns how many rows it wrote.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let sql = self.db.sql(template);
        let work = self.open.client.execute_typed(&sql, params);
        Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await
    }

    /// As [`Tx::execute`] without parameters, and braces in the text are not filled in.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn execute_as_is(&self, sql: &str) -> Result<u64, DbError> {
        answered::answer(self.db, self.sent(sql, sql), self.open.client.execute_typed(sql, &[])).await
    }

    /// Runs several statements without parameters, in order, each in its own message (see [`statements`]).
    ///
    /// # Errors
    /// The database refuses a statement; the rest then has no effect.
    pub async fn batch(&self, template: &str) -> Result<(), DbError> {
        self.batch_as_is(&self.db.sql(template)).await
    }

    /// As [`Tx::batch`], but braces in the text are not filled in.
    ///
    /// # Errors
    /// As [`Tx::batch`].
    pub async fn batch_as_is(&self, sql: &str) -> Result<(), DbError> {
        // Send all before reading the first answer, so that many cost one round trip. After a refusal the server
        // refuses the rest of the transaction.
        let work = async {
            let mut answers = Vec::new();
            for statement in statements::split(sql) {
                let mut answer = Box::pin(self.open.client.batch_execute(statement));
                // Polling sends it.
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
        // The server shows each statement separately, so several cannot be found by their text.
        let mut each = statements::split(sql).into_iter();
        let shown = each.next().filter(|_| each.next().is_none()).unwrap_or_default();
        answered::answer_each(self.db, self.sent(sql, shown), work).await
    }

    /// The account's schema.
    pub fn schema(&self) -> &str {
        self.db.schema()
    }

    /// Whether the database is in the embedded server.
    pub fn is_embedded(&self) -> bool {
        self.db.is_embedded()
    }

    /// A statement with `{schema}` filled in, as [`Db::sql`] does.
    pub fn sql(&self, template: &str) -> String {
        self.db.sql(template)
    }

    /// Rolls back, as dropping does, and waits until it is done.
    ///
    /// # Errors
    /// Those of the database; even then nothing of the transaction remains.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.end("ROLLBACK").await
    }

    /// Commits.
    ///
    /// # Errors
    /// Those of the database, including deferred constraints, which it checks here.
    pub async fn commit(self) -> Result<(), DbError> {
        crate::crash::at(crate::crash::Step::BeforeCommit);
        self.commit_quietly().await?;
        crate::crash::at(crate::crash::Step::AfterCommit);
        Ok(())
    }

    /// A commit that is not a crash point of the tests.
    pub(in crate::db) async fn commit_quietly(self) -> Result<(), DbError> {
        self.end("COMMIT").await
    }

    async fn end(mut self, statement: &str) -> Result<(), DbError> {
        self.open.is_over = true;
        let work = self.open.client.batch_execute(statement);
        answered::answer(self.db, self.sent(statement, statement), work).await
    }
}
