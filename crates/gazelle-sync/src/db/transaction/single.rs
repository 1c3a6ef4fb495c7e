//! Runs single statements, each in a transaction of its own.

use std::time::Duration;

use tokio_postgres::{Client, Row};

use super::{Begin, Connection, rows};
use crate::db::database::Db;
use crate::db::error::DbError;
use crate::db::pool::PoolGroup;
use crate::db::pool::sent::{Param, ResponseProgress, each};

impl Db {
    /// Whether the database answers a query over a new connection within this time. If the server allows few
    /// connections and none is left for the query, it counts as answering.
    pub async fn answers_within(&self, limit: Duration) -> bool {
        // The existing sessions may be the silent ones.
        self.pool.renew();
        let aside = self.aside();
        match tokio::time::timeout(limit, aside.query("SELECT 1", &[])).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => error.state.is_some(),
            Err(_) => self.pool.is_short(),
        }
    }

    /// Takes a connection from the pool.
    ///
    /// # Errors
    /// As for connecting; no session became free in time.
    pub async fn connection(&self) -> Result<Connection, DbError> {
        let pooled = self.pool.get(self.place).await?;
        Ok(Connection::new(pooled, self.clone()))
    }

    /// Runs one statement in a transaction of its own and returns its rows.
    ///
    /// # Errors
    /// Those of the database; a returned time that cannot be read.
    pub async fn query(&self, template: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let mut connection = self.connection().await?;
        if self.place == PoolGroup::Aside {
            // A transaction, so that our `statement_timeout` applies and not the session's.
            let (tx, _) = connection.begin_with(Begin::default()).await?;
            let rows = tx.query(template, params).await?;
            tx.commit_quietly().await?;
            return Ok(rows);
        }
        let ask = async |client: &Client, response: &ResponseProgress, sql: &str| {
            response.rows(client.query_typed_raw(sql, each(params)).await).await
        };
        // Boxed, as in a transaction: otherwise the caller's future would be as large.
        rows::readable(Box::pin(connection.single(template, ask)).await?, template)
    }

    /// Runs one statement in a transaction of its own and returns how many rows it wrote.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(&self, template: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let mut connection = self.connection().await?;
        if self.place == PoolGroup::Aside {
            let (tx, _) = connection.begin_with(Begin::default()).await?;
            let rows = tx.execute(template, params).await?;
            tx.commit_quietly().await?;
            return Ok(rows);
        }
        let ask =
            async |client: &Client, _: &ResponseProgress, sql: &str| client.execute_typed(sql, params).await;
        Box::pin(connection.single(template, ask)).await
    }
}
