//! Transactions of a pooled connection.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{join3, join4};
use tokio_postgres::{Client, Row};

use super::answered;
use super::database::Db;
use super::error::DbError;
use super::limits::{ASIDE_TIMEOUT, BATCH_TIMEOUT};
use super::pool::{Place, Pooled};
use super::sent::{Heard, Param, Sent, each};
use super::session::Unanswered;
use super::timeouts::{Timeout, Timeouts};
use super::{rows, statements};

/// The server's process of a transaction, asked for along with its settings.
const ASK_PID: &str = "SELECT pg_catalog.pg_backend_pid()";

/// Where names without a schema are looked for until the transaction ends. Not in a schema in which others may create: a
/// function there that fits an argument better than the one of `pg_catalog` would be called, with the rights of whoever
/// runs us. Temporary tables come last and hold no functions.
const SEARCH_PATH: &str = "SET LOCAL search_path = pg_catalog, pg_temp";

/// A pooled connection.
pub struct Connection {
    pooled: Pooled,
    db: Db,
}

/// What a transaction begins with besides what all of ours begin with.
#[derive(Default)]
pub struct Begin<'a> {
    /// Whether it sees the database as it is when it begins, whatever others commit since.
    pub snapshot: bool,
    /// Whether its commit does not wait for the disk. A server that crashes within the next second may have
    /// forgotten it, and what was committed after it, each as a whole; the next commit of a transaction that waits and
    /// writes makes all before it last.
    pub unflushed: bool,
    /// How long it may stand still before the server ends it, where the session has no shorter limit.
    pub longest_pause: Option<Duration>,
    /// A statement that is sent along, and its parameters. In a snapshot it is the one that fixes what is seen.
    pub first: Option<(&'a str, &'a [Param<'a>])>,
}

impl Connection {
    pub(super) fn new(pooled: Pooled, db: Db) -> Connection {
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

    /// Begins a transaction, with the rows that its first statement returns: `BEGIN`, the settings and that statement
    /// are sent together, one round trip.
    ///
    /// # Errors
    /// Those of the database, also where it refuses the first statement: then nothing has begun.
    pub async fn begin_with(&mut self, begin: Begin<'_>) -> Result<(Tx<'_>, Vec<Row>), DbError> {
        let Connection { pooled, db } = self;
        let db: &Db = db;
        let session = pooled.session()?;
        let unanswered = session.unanswered();
        let heard = Heard::default();
        let sent =
            |template, sql| Sent { unanswered: &unanswered, heard: &heard, batch: true, template, sql };
        let own = match session.timeouts {
            Some(own) => own,
            None => {
                // Before the transaction, since in a snapshot the first query fixes what is seen.
                let asking = session.client.simple_query(Timeouts::QUESTION);
                let answer = answered::answer(db, sent("BEGIN", Timeouts::QUESTION), asking).await?;
                *session.timeouts.insert(Timeouts::read(&answer))
            }
        };
        let settings = begin.settings(db.place, own);
        let (template, params) = begin.first.unwrap_or_default();
        let first = db.sql(template);
        let client: &Client = &session.client;
        let open = Open { client, is_over: false };
        let work = async {
            // The process is known at once, however long the statement waits.
            let set = async { client.simple_query(&settings).await.map(|answer| heard.note_pid(&answer)) };
            let ask = async {
                match begin.first {
                    Some(_) => heard.rows(client.query_typed_raw(&first, each(params)).await).await,
                    None => Ok(Vec::new()),
                }
            };
            // They are polled in this order, and polling is what sends.
            let (begun, set, rows) = join3(client.batch_execute("BEGIN"), set, ask).await;
            begun?;
            set?;
            rows
        };
        let (template, sql) = match begin.first {
            Some(_) => (template, first.as_str()),
            None => ("BEGIN", settings.as_str()),
        };
        // Boxed: whoever begins a transaction would have a future as large.
        let rows = Box::pin(answered::answer(db, sent(template, sql), work)).await?;
        Ok((Tx { open, db, unanswered, heard, own }, rows))
    }

    /// A statement with the beginning and the end of a transaction, sent together: one round trip.
    pub(super) async fn single<T>(
        mut self,
        template: &str,
        ask: impl AsyncFnOnce(&Client, &Heard, &str) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DbError> {
        let Connection { pooled, db } = &mut self;
        let sql = db.sql(template);
        let session = pooled.session()?;
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
        answered::answer(db, sent, work).await
    }
}

impl Begin<'_> {
    /// What is set until the transaction ends; the server's process is asked for along with it.
    fn settings(&self, place: Place, own: Timeouts) -> String {
        let ours = match place {
            Place::Aside => ASIDE_TIMEOUT,
            Place::Work | Place::Tokens => BATCH_TIMEOUT,
        };
        let mut settings = SEARCH_PATH.to_owned();
        let mut set = |name: &str, value: &str| settings.extend(["; SET LOCAL ", name, " = ", value]);
        // Compiling a plan pays for reports; our statements are short, and estimates for tables that are just
        // being filled are high enough to trigger it each time.
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
            settings.push_str("; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        }
        format!("{settings}; {ASK_PID}")
    }
}

/// A transaction that is rolled back unless it has ended.
struct Open<'c> {
    client: &'c Client,
    is_over: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // Polling is what sends; what is sent later comes after it.
            drop(self.client.batch_execute("ROLLBACK").now_or_never());
        }
    }
}

/// A transaction in progress.
pub struct Tx<'c> {
    open: Open<'c>,
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
        let milliseconds = self.own.at_most(timeout, ours);
        self.batch_as_is(&format!("SET LOCAL {} = {milliseconds}", timeout.name())).await
    }

    fn sent<'s>(&'s self, template: &'s str, sql: &'s str) -> Sent<'s> {
        Sent { unanswered: &self.unanswered, heard: &self.heard, batch: true, template, sql }
    }

    /// One statement; returns its rows.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let sql = self.db.sql(template);
        let work =
            async { self.heard.rows(self.open.client.query_typed_raw(&sql, each(params)).await).await };
        rows::readable(Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await?, template)
    }

    /// One statement; returns how many rows it wrote.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let sql = self.db.sql(template);
        let work = self.open.client.execute_typed(&sql, params);
        Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await
    }

    /// As [`Tx::execute`] without parameters, but braces in the text are not filled in.
    pub async fn execute_as_is(&self, sql: &str) -> Result<u64, DbError> {
        answered::answer(self.db, self.sent(sql, sql), self.open.client.execute_typed(sql, &[])).await
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
                let mut answer = Box::pin(self.open.client.batch_execute(statement));
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
    ///
    /// # Errors
    /// Those of the database; nothing is left of the transaction all the same.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.end("ROLLBACK").await
    }

    /// Makes everything since [`Connection::begin`] last.
    ///
    /// # Errors
    /// Those of the database, which also refuses here what it has put off until now.
    pub async fn commit(self) -> Result<(), DbError> {
        crate::crash::at(crate::crash::Step::BeforeCommit);
        self.commit_quietly().await?;
        crate::crash::at(crate::crash::Step::AfterCommit);
        Ok(())
    }

    /// A commit that is no step at which a test kills the program.
    pub(super) async fn commit_quietly(self) -> Result<(), DbError> {
        self.end("COMMIT").await
    }

    async fn end(mut self, statement: &str) -> Result<(), DbError> {
        self.open.is_over = true;
        let work = self.open.client.batch_execute(statement);
        answered::answer(self.db, self.sent(statement, statement), work).await
    }
}
