//! Runs transactions over a pooled connection.

mod begin;
pub(in crate::db) mod bisect;
pub(in crate::db) mod conflicts;
pub(in crate::db) mod refusals;
pub(in crate::db) mod rows;
mod savepoint;
pub(in crate::db) mod single;
pub(in crate::db) mod write;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::join;
use futures_util::{FutureExt as _, TryStreamExt as _};
use tokio_postgres::{Client, Row, SimpleQueryMessage};

use super::answers::answered;
use super::connection::timeouts::{Timeout, Timeouts};
use super::database::Db;
use super::error::DbError;
use super::pool::Pooled;
use super::pool::sent::{Param, ResponseProgress, SentStatement, each};
use super::pool::session::Unanswered;
use super::statements;
use begin::{BEGIN, SETTINGS, begun_with};

pub use begin::Begin;

/// A pooled connection.
pub struct Connection {
    pooled: Pooled,
    db: Db,
}

impl Connection {
    pub(in crate::db) fn new(pooled: Pooled, db: Db) -> Connection {
        Connection { pooled, db }
    }

    /// Begins a transaction that only reads: the server refuses every statement of it that writes. Dropping it without
    /// [`Tx::commit`] rolls it back.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(&mut self) -> Result<Tx<'_>, DbError> {
        Ok(self.begin_with(Begin { read_only: true, ..Begin::default() }).await?.0)
    }

    /// As [`Connection::begin`], for a transaction that sees the database as it is now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin_snapshot(&mut self) -> Result<Tx<'_>, DbError> {
        Ok(self.begin_with(Begin { snapshot: true, read_only: true, ..Begin::default() }).await?.0)
    }

    /// Begins a transaction that defines tables, roles or rights, which [`Tx::batch`] sends.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin_ddl(&mut self) -> Result<Tx<'_>, DbError> {
        Ok(self.begin_with(Begin::default()).await?.0)
    }

    /// Begins a transaction, and returns how many rows its first statement returned. `BEGIN`, the settings and the
    /// statement are one message: one round trip.
    ///
    /// # Errors
    /// Those of the database, also if it refuses the first statement: then no transaction is open.
    pub async fn begin_with(&mut self, begin: Begin<'_>) -> Result<(Tx<'_>, u64), DbError> {
        let Connection { pooled, db } = self;
        let db: &Db = db;
        let session = pooled.session()?;
        let unanswered = session.unanswered();
        let response = ResponseProgress::default();
        let own = match session.timeouts {
            Some(own) => own,
            None => {
                // Before the transaction, since the first query of a snapshot fixes what it sees.
                let sql = Timeouts::QUESTION;
                let asking = session.client.simple_query(sql);
                let sent = SentStatement {
                    unanswered: &unanswered,
                    response: &response,
                    batch: true,
                    is_marked: false,
                    template: BEGIN,
                    sql,
                };
                let answer = answered::answer(db, sent, asking).await?;
                *session.timeouts.insert(Timeouts::read(&answer))
            }
        };
        let message = begin.message(db.place, own, |template| db.sql(template));
        let sent = SentStatement {
            unanswered: &unanswered,
            response: &response,
            batch: true,
            is_marked: true,
            template: begin.first.unwrap_or(BEGIN),
            sql: &message,
        };
        let (open, rows) = opened(db, &session.client, sent).await?;
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
        let sent = |is_marked, template, sql| SentStatement {
            unanswered: &unanswered,
            response: &response,
            batch: false,
            is_marked,
            template,
            sql,
        };
        let beginning = begun_with(&SETTINGS);
        let (mut open, _) = opened(db, &session.client, sent(true, BEGIN, &beginning)).await?;
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
        answered::answer(db, sent(false, template, &sql), work).await
    }
}

/// Sends the message that begins a transaction, notes its server process, and returns how many rows came after that.
async fn opened<'c>(
    db: &Db,
    client: &'c Client,
    beginning: SentStatement<'_>,
) -> Result<(RollbackOnDrop<'c>, u64), DbError> {
    let open = RollbackOnDrop { client, is_over: false };
    let SentStatement { sql, template, response, .. } = beginning;
    let work = async {
        let mut rows: u64 = 0;
        let mut answer = pin!(client.simple_query_raw(sql).await.map_err(|error| (error, BEGIN))?);
        loop {
            // What fails before the process is returned is no statement of the caller's.
            let failed = |error| (error, if rows == 0 { BEGIN } else { template });
            match answer.try_next().await.map_err(failed)? {
                Some(SimpleQueryMessage::Row(process)) if rows == 0 => {
                    response.note_pid(&process);
                    rows = 1;
                }
                Some(SimpleQueryMessage::Row(_)) => rows += 1,
                Some(_) => {}
                None => return Ok(rows.saturating_sub(1)),
            }
        }
    };
    // Boxed: otherwise the future of every caller would be as large.
    let rows = Box::pin(answered::answer_each(db, beginning, work)).await?;
    Ok((open, rows))
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

/// A transaction in progress, for reading and for changes of the schema ([`Tx::batch`]). One that writes rows is a
/// [`WriteTx`](write::WriteTx).
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

    fn sent<'s>(&'s self, template: &'s str, sql: &'s str) -> SentStatement<'s> {
        SentStatement {
            unanswered: &self.unanswered,
            response: &self.response,
            batch: true,
            is_marked: false,
            template,
            sql,
        }
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
    pub(in crate::db) async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let sql = self.db.sql(template);
        let work = self.open.client.execute_typed(&sql, params);
        Box::pin(answered::answer(self.db, self.sent(template, &sql), work)).await
    }

    /// As [`Tx::execute`] without parameters, and braces in the text are not filled in.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub(in crate::db) async fn execute_as_is(&self, sql: &str) -> Result<u64, DbError> {
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
                let early = answer.as_mut().now_or_never();
                // Read in their order even where a later one is here first: after a refusal every statement is refused.
                answers.push(async move {
                    let outcome = match early {
                        Some(outcome) => outcome,
                        None => answer.await,
                    };
                    outcome.map_err(|error| (error, statement))
                });
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
        crate::crash::at(crate::crash::CrashPoint::BeforeCommit);
        self.commit_quietly().await?;
        crate::crash::at(crate::crash::CrashPoint::AfterCommit);
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
