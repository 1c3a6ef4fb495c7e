//! Moves version 5's tables back exactly as they were, and ours into a schema of their own.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::names::{LOCK_TIMEOUT, MANIFEST};
use crate::access::trust::owners;
use crate::db::{Db, DbError, Timeout, Tx, quote};
use crate::lease::{Unfenced, UnfencedTx};
use crate::migrations;

/// What going back does or did.
#[derive(Debug, Clone, Serialize)]
pub struct Return {
    /// The account's schema.
    pub schema: String,
    /// The schema that the old tables are in.
    pub backup_schema: String,
    /// The schema that our tables are moved to; it is usable as an account's schema.
    pub aside_schema: String,
    /// Our tables and views that are moved there.
    pub aside: Vec<String>,
    /// The steps that are undone, in this order.
    pub undone: Vec<String>,
    /// Other objects in the backup schema, because of which it is kept.
    pub left_in_backup: Vec<String>,
}

/// What going back would do. Only reads.
///
/// # Errors
/// There is no backup of this schema; the manifest belongs to a role that we do not trust. Those of the database.
pub async fn plan(tx: &Tx<'_>, schema: &str, backup_schema: &str) -> Result<Return, DbError> {
    let there = tx
        .query(
            "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2",
            &[(&backup_schema, Type::TEXT), (&MANIFEST, Type::TEXT)],
        )
        .await?;
    let nothing = || {
        DbError::refused(format!(
            "{backup_schema} keeps no tables of the old system for schema {schema}: name the schema that does with \
             --backup-schema"
        ))
    };
    if there.is_empty() {
        return Err(nothing());
    }
    // Its statements are executed unchanged.
    owners::check_believed(tx, backup_schema, MANIFEST).await?;
    let steps = tx
        .query(
            &format!(
                "SELECT what FROM {}.{MANIFEST} WHERE schema = $1 ORDER BY position DESC",
                quote(backup_schema)
            ),
            &[(&schema, Type::TEXT)],
        )
        .await?;
    if steps.is_empty() {
        return Err(nothing());
    }
    let aside = tx
        .query(
            include_str!("ours_there.sql"),
            &[(&schema, Type::TEXT), (&migrations::relation_names(), Type::TEXT_ARRAY)],
        )
        .await?;
    let left = tx
        .query(
            include_str!("left_in_backup.sql"),
            &[(&backup_schema, Type::TEXT), (&migrations::relation_names(), Type::TEXT_ARRAY)],
        )
        .await?;
    let of = if schema == "public" { "gazelle" } else { schema };
    let now = Timestamp::now().strftime("%Y%m%d%H%M%S");
    let aside_schema = free_schema(tx, format!("{of}_v6_{now}")).await?;
    Ok(Return {
        schema: schema.to_owned(),
        backup_schema: backup_schema.to_owned(),
        aside_schema,
        aside: aside.iter().map(|row| row.get(0)).collect(),
        undone: steps.iter().map(|row| row.get(0)).collect(),
        left_in_backup: left.iter().map(|row| row.get(0)).collect(),
    })
}

/// This name, or with a number behind it if a schema has it: somebody may go back twice within a second.
async fn free_schema(tx: &Tx<'_>, name: String) -> Result<String, DbError> {
    let sql = "SELECT n.nspname::text FROM pg_catalog.pg_namespace n WHERE pg_catalog.starts_with(n.nspname::text, $1)";
    let rows = tx.query(sql, &[(&name, Type::TEXT)]).await?;
    let taken: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    Ok(names.find(|name| !taken.contains(&name.as_str())).unwrap_or(name))
}

/// A step of the migration, and the statements that undo it.
struct Undo {
    what: String,
    statements: String,
}

impl Undo {
    fn of(row: &Row) -> Undo {
        Undo { what: row.get("what"), statements: row.get("undo") }
    }

    /// Whether it creates a view over an old table.
    fn is_of_view(&self) -> bool {
        self.what.starts_with("view v5_local_")
    }

    async fn run(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        // Braces in a trigger's text must not be filled in.
        let run = tx.batch_as_is(&self.statements).await;
        run.map_err(|error| error.while_doing(&format!("cannot undo \"{}\"", self.what)))
    }
}

/// The undo statements of each step, last step first. `backup` is quoted.
async fn undo_steps(tx: &Tx<'_>, backup: &str) -> Result<Vec<Undo>, DbError> {
    let sql = format!("SELECT what, undo FROM {backup}.{MANIFEST} WHERE schema = $1 ORDER BY position DESC");
    let rows = tx.query(&sql, &[(&tx.schema(), Type::TEXT)]).await?;
    Ok(rows.iter().map(Undo::of).collect())
}

/// Moves the old tables back, in one transaction. Our tables are not dropped but moved to a schema of their own, since the raw
/// history must not be lost.
///
/// # Errors
/// Those of [`plan`]; a run in progress; a table whose lock is not granted within ten seconds; a step that cannot
/// be undone.
pub async fn move_back(db: &Db, backup_schema: &str) -> Result<Return, DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldSystem.begin(&mut connection).await?;
    tx.limit(Timeout::Lock, LOCK_TIMEOUT).await?;
    let plan = plan(&tx, db.schema(), backup_schema).await?;
    if plan.aside.iter().any(|name| name == "sync_lease") {
        owners::check_in(&tx).await?;
        refuse_while_running(&tx).await?;
    }
    let (backup, aside) = (quote(backup_schema), quote(&plan.aside_schema));
    // Drop the views over the old tables first: otherwise they would move with ours.
    let (views, others): (Vec<Undo>, Vec<Undo>) =
        undo_steps(&tx, &backup).await?.into_iter().partition(Undo::is_of_view);
    for undo in &views {
        undo.run(&tx).await?;
    }
    if !plan.aside.is_empty() {
        tx.batch(&format!("CREATE SCHEMA {aside}")).await?;
    }
    for name in &plan.aside {
        let kind = if name.starts_with("v_") { "VIEW" } else { "TABLE" };
        tx.batch(&format!("ALTER {kind} {{schema}}.{} SET SCHEMA {aside}", quote(name))).await?;
    }
    for undo in &others {
        undo.run(&tx).await?;
    }
    forget_steps(&tx, &plan).await?;
    tx.commit().await?;
    Ok(plan)
}

/// Removes the undone steps from the manifest, and the manifest and backup schema if nothing else needs them.
async fn forget_steps(tx: &UnfencedTx<'_>, plan: &Return) -> Result<(), DbError> {
    let backup = quote(&plan.backup_schema);
    let done = format!("DELETE FROM {backup}.{MANIFEST} WHERE schema = $1");
    tx.execute(&done, &[(&plan.schema, Type::TEXT)]).await?;
    let others = tx.query(&format!("SELECT 1 FROM {backup}.{MANIFEST} LIMIT 1"), &[]).await?;
    if !others.is_empty() {
        return Ok(());
    }
    tx.batch(&format!("DROP TABLE {backup}.{MANIFEST}")).await?;
    if plan.left_in_backup.is_empty() {
        tx.batch(&format!("DROP SCHEMA {backup}")).await?;
    }
    Ok(())
}

/// Fails while a run is in progress. Locks the lease's row, so that no run starts before the tables are moved.
async fn refuse_while_running(tx: &Tx<'_>) -> Result<(), DbError> {
    let sql = "SELECT holder, expires_at > now() AS is_held FROM {schema}.sync_lease FOR UPDATE";
    let held = tx.query(sql, &[]).await?;
    match held.iter().find(|row| row.get("is_held")) {
        None => Ok(()),
        Some(row) => Err(DbError::refused(format!(
            "a run is in progress ({}): stop it first",
            row.get::<_, String>("holder")
        ))),
    }
}
