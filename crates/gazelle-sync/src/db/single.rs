//! Single statements, each in a transaction of its own.

use std::time::Duration;

use tokio_postgres::{Client, Row};

use super::database::Db;
use super::error::DbError;
use super::pool::Place;
use super::rows;
use super::sent::{Heard, Param, each};
use super::transaction::Connection;

impl Db {
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
