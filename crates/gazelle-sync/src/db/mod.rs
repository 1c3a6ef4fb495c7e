//! The database: its pool, its transactions, its migrations.
//!
//! Everything works behind a transaction pooler: statements travel whole (`query_typed`, never a
//! named prepared statement), nothing is kept in a session, and names carry their schema.

pub mod citus;
mod connect;
mod error;
pub mod migrate;
mod migrations;
pub mod statements;

use deadpool_postgres::{Object, Pool};
use futures_util::FutureExt as _;
use tokio_postgres::{Row, Transaction, types::ToSql, types::Type};

pub use connect::{ConnectSettings, Way, check_url, connect, connect_to_read, way};
pub use error::{DbError, Fault};

/// A parameter with its SQL type.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// The database of one account: a pool and the schema that holds all its tables. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    schema: String,
}

impl Db {
    /// The schema's name, as given in the settings.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The most connections used at once.
    pub fn most_connections(&self) -> usize {
        self.pool.status().max_size
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
        let object = self.pool.get().await.map_err(DbError::from_pool)?;
        Ok(Connection { object, db: self.clone() })
    }

    /// One statement outside a transaction; returns its rows.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let connection = self.connection().await?;
        let sql = self.sql(template);
        connection.object.query_typed(&sql, params).await.map_err(|e| DbError::new(e, template))
    }

    /// One statement outside a transaction; returns how many rows it wrote.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let connection = self.connection().await?;
        let sql = self.sql(template);
        connection.object.execute_typed(&sql, params).await.map_err(|e| DbError::new(e, template))
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// A pooled connection.
pub struct Connection {
    object: Object,
    db: Db,
}

impl Connection {
    /// Begins a transaction; dropping it without [`Tx::commit`] rolls it back.
    pub async fn begin(&mut self) -> Result<Tx<'_>, DbError> {
        // Compiling a plan pays for reports; our statements are short, and estimates for tables that are just
        // being filled are high enough to trigger it each time.
        self.begin_with("SET LOCAL jit = off").await
    }

    /// Begins a transaction whose commit does not wait for the disk. A server that crashes within the next second may
    /// have forgotten it, and what was committed after it, each as a whole; the commit of a transaction of
    /// [`Connection::begin`] that writes makes all before it last.
    pub async fn begin_unflushed(&mut self) -> Result<Tx<'_>, DbError> {
        self.begin_with("SET LOCAL jit = off; SET LOCAL synchronous_commit = off").await
    }

    async fn begin_with(&mut self, settings: &str) -> Result<Tx<'_>, DbError> {
        let transaction = self.object.transaction().await.map_err(|e| DbError::new(e, "BEGIN"))?;
        transaction.batch_execute(settings).await.map_err(|e| DbError::new(e, "BEGIN"))?;
        // deadpool wraps the transaction only to reach its statement cache, which a pooler forbids.
        Ok(Tx { transaction, db: &self.db })
    }

    /// Begins a transaction that sees the database as it is at its first statement, whatever others commit since.
    pub async fn begin_snapshot(&mut self) -> Result<Tx<'_>, DbError> {
        let tx = self.begin().await?;
        tx.batch("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        Ok(tx)
    }
}

/// A transaction in progress.
pub struct Tx<'c> {
    transaction: deadpool_postgres::Transaction<'c>,
    db: &'c Db,
}

impl<'c> Tx<'c> {
    /// One statement; returns its rows.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let sql = self.db.sql(template);
        let transaction: &Transaction<'c> = &self.transaction;
        transaction.query_typed(&sql, params).await.map_err(|e| DbError::new(e, template))
    }

    /// One statement; returns how many rows it wrote.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let sql = self.db.sql(template);
        let transaction: &Transaction<'c> = &self.transaction;
        transaction.execute_typed(&sql, params).await.map_err(|e| DbError::new(e, template))
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
        let mut answers = Vec::new();
        for statement in statements::split(sql) {
            let refused = |error| DbError::new(error, statement);
            let mut answer = Box::pin(self.transaction.batch_execute(statement));
            // Polling is what sends.
            match answer.as_mut().now_or_never() {
                Some(outcome) => outcome.map_err(refused)?,
                None => answers.push(async move { answer.await.map_err(refused) }),
            }
        }
        for answer in answers {
            answer.await?;
        }
        Ok(())
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
        self.transaction.rollback().await.map_err(|e| DbError::new(e, "ROLLBACK"))
    }

    /// Makes everything since [`Connection::begin`] last.
    pub async fn commit(self) -> Result<(), DbError> {
        crate::crash::at(crate::crash::Step::BeforeCommit);
        self.transaction.commit().await.map_err(|e| DbError::new(e, "COMMIT"))?;
        crate::crash::at(crate::crash::Step::AfterCommit);
        Ok(())
    }
}

/// Quotes an identifier.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
