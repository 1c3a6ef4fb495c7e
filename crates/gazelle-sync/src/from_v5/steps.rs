//! Executes the steps of the migration, and records in the manifest how each is undone.

use tokio_postgres::types::Type;

use super::names::MANIFEST;
use crate::db::{DbError, quote};
use crate::lease::UnfencedTx;

/// The steps of one account's schema in one backup schema.
pub(super) struct Steps<'t, 'c> {
    pub tx: &'t UnfencedTx<'c>,
    /// The backup schema, quoted.
    pub backup: String,
    /// Whether steps are recorded: not if they only repeat steps recorded before.
    pub noting: bool,
    position: i32,
}

impl<'t, 'c> Steps<'t, 'c> {
    /// Creates the backup schema and its manifest.
    ///
    /// # Errors
    /// Those of the database, such as a schema of this name that exists.
    pub async fn begin(tx: &'t UnfencedTx<'c>, backup_schema: &str) -> Result<Self, DbError> {
        let backup = quote(backup_schema);
        tx.batch_as_is(&format!("CREATE SCHEMA {backup}")).await?;
        // Braces in names must not be filled in.
        tx.batch_as_is(&include_str!("manifest.sql").replace("{backup}", &backup)).await?;
        tx.batch_as_is(&format!(
            "COMMENT ON TABLE {backup}.{MANIFEST} IS \
             'How gazelle-sync migrate --from-v5 --back undoes each step, last one first.'"
        ))
        .await?;
        Ok(Steps { tx, backup, noting: true, position: 0 })
    }

    /// Continues an existing manifest.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn resume(tx: &'t UnfencedTx<'c>, backup_schema: &str, noting: bool) -> Result<Self, DbError> {
        let backup = quote(backup_schema);
        let rows =
            tx.query(&format!("SELECT coalesce(max(position), 0) FROM {backup}.{MANIFEST}"), &[]).await?;
        let position = rows.first().map_or(0, |row| row.get(0));
        Ok(Steps { tx, backup, noting, position })
    }

    /// Executes a step, and records the statements that undo it. Braces in names are not filled in.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn step(&mut self, what: &str, act: &str, undo: &str) -> Result<(), DbError> {
        self.tx.batch_as_is(act).await?;
        if !self.noting {
            return Ok(());
        }
        self.position += 1;
        self.tx
            .execute(
                &format!(
                    "INSERT INTO {}.{MANIFEST} (position, schema, what, undo) VALUES ($1, $2, $3, $4)",
                    self.backup
                ),
                &[
                    (&self.position, Type::INT4),
                    (&self.tx.schema(), Type::TEXT),
                    (&what, Type::TEXT),
                    (&undo, Type::TEXT),
                ],
            )
            .await?;
        Ok(())
    }
}
