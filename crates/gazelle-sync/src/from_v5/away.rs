//! Moves version 5's tables into the backup schema, and creates ours.

use super::closing;
use super::inventory::{Inventory, Moving, old_triggers, read};
use super::names::{LOCK_TIMEOUT, local_view};
use super::steps::Steps;
use crate::db::{Db, DbError, Timeout, quote};
use crate::lease::Unfenced;
use crate::migrate;

/// Moves the old tables into `backup_schema` and creates ours, in one transaction. Returns what was there.
///
/// # Errors
/// Those of [`read`]; a table whose lock is not granted within ten seconds.
pub async fn move_away(db: &Db, backup_schema: &str) -> Result<Inventory, DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldSystem.begin(&mut connection).await?;
    tx.limit(Timeout::Lock, LOCK_TIMEOUT).await?;
    let inventory = read(&tx, db.schema(), backup_schema).await?;
    let mut steps = Steps::begin(&tx, backup_schema).await?;
    steps.drop_triggers(&inventory).await?;
    steps.move_functions(&inventory).await?;
    for moving in &inventory.moving {
        steps.move_relation(db.schema(), moving).await?;
    }
    migrate::create_in(&tx, db.schema()).await?;
    for moving in &inventory.moving {
        steps.keep_local_columns(moving).await?;
    }
    closing::close(&mut steps, backup_schema).await?;
    tx.commit().await?;
    Ok(inventory)
}

impl Steps<'_, '_> {
    async fn drop_triggers(&mut self, inventory: &Inventory) -> Result<(), DbError> {
        let names: Vec<&str> = inventory.moving.iter().map(|moving| moving.name.as_str()).collect();
        for trigger in old_triggers(self.tx, &inventory.schema, &names).await? {
            let what = format!("trigger {} dropped", trigger.name);
            self.step(&what, &trigger.drop, &trigger.create_again).await?;
        }
        Ok(())
    }

    /// The functions are moved, not dropped: triggers of other tables may call them.
    async fn move_functions(&mut self, inventory: &Inventory) -> Result<(), DbError> {
        let schema = quote(&inventory.schema);
        for function in &inventory.functions {
            let backup = self.backup.clone();
            self.step(
                &format!("function {function} moved"),
                &format!("ALTER FUNCTION {schema}.{function} SET SCHEMA {backup}"),
                &format!("ALTER FUNCTION {backup}.{function} SET SCHEMA {schema}"),
            )
            .await?;
        }
        Ok(())
    }

    /// Indexes, sequences of serial columns, constraints, grants and policies move with their table.
    async fn move_relation(&mut self, schema: &str, moving: &Moving) -> Result<(), DbError> {
        let (name, kind) = (quote(&moving.name), moving.kind.to_uppercase());
        let (schema, backup) = (quote(schema), self.backup.clone());
        self.step(
            &format!("{} {} moved", moving.kind, moving.name),
            &format!("ALTER {kind} {schema}.{name} SET SCHEMA {backup}"),
            &format!("ALTER {kind} {backup}.{name} SET SCHEMA {schema}"),
        )
        .await
    }

    /// Columns that the company added to an old table stay readable by `external_id`, through a view with
    /// `security_invoker`.
    async fn keep_local_columns(&mut self, moving: &Moving) -> Result<(), DbError> {
        if moving.local_columns.is_empty() || !moving.has_external_id {
            return Ok(());
        }
        let view = format!("{}.{}", quote(self.tx.schema()), quote(&local_view(&moving.name)));
        let columns: Vec<String> = moving.local_columns.iter().map(|column| quote(column)).collect();
        self.step(
            &format!("view {} made", local_view(&moving.name)),
            &format!(
                "CREATE VIEW {view} WITH (security_invoker = true) AS SELECT external_id, {} FROM {}.{}",
                columns.join(", "),
                self.backup,
                quote(&moving.name)
            ),
            &format!("DROP VIEW {view}"),
        )
        .await
    }
}
