//! The way there: the old tables out of the way, ours in their place.

use tokio_postgres::types::Type;

use super::inventory::{Moving, read};
use super::{Inventory, LOCK_TIMEOUT, MANIFEST, OLD_FUNCTION, OLD_TRIGGER, local_view};
use crate::access::PUBLIC_ROLES;
use crate::db::{Db, DbError, Timeout, Tx, migrate, quote};

/// Moves the old tables into `backup_schema` and creates ours, in one transaction. Returns what was there.
///
/// Errors: those of [`read`]; a table that somebody else uses for too long.
pub async fn come(db: &Db, backup_schema: &str) -> Result<Inventory, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    tx.limit(Timeout::Lock, LOCK_TIMEOUT).await?;
    let inventory = read(&tx, db.schema(), backup_schema).await?;
    let mut steps = Steps { tx: &tx, backup: quote(backup_schema), position: 0 };
    steps.prepare().await?;
    steps.drop_triggers(&inventory).await?;
    steps.move_functions(&inventory).await?;
    for moving in &inventory.moving {
        steps.move_relation(db.schema(), moving).await?;
    }
    migrate::create_in(&tx, db.schema()).await?;
    for moving in &inventory.moving {
        steps.keep_local_columns(moving).await?;
    }
    steps.let_readers_in(backup_schema).await?;
    tx.commit().await?;
    Ok(inventory)
}

/// The steps, each of which notes how it is undone.
struct Steps<'t, 'c> {
    tx: &'t Tx<'c>,
    /// Quoted.
    backup: String,
    position: i32,
}

impl Steps<'_, '_> {
    async fn prepare(&self) -> Result<(), DbError> {
        self.tx.batch(&format!("CREATE SCHEMA {}", self.backup)).await?;
        self.tx
            .batch(&format!(
                "CREATE TABLE {backup}.{MANIFEST} (
                     position integer PRIMARY KEY,
                     schema   text NOT NULL,
                     what     text NOT NULL,
                     undo     text NOT NULL
                 );
                 COMMENT ON TABLE {backup}.{MANIFEST} IS
                     'How gazelle-sync migrate --from-v5 --back undoes each step, last one first.'",
                backup = self.backup
            ))
            .await
    }

    async fn step(&mut self, what: &str, act: &str, undo: &str) -> Result<(), DbError> {
        self.tx.batch(act).await?;
        self.position += 1;
        self.tx
            .execute(
                &format!(
                    "INSERT INTO {}.{MANIFEST} (position, schema, what, undo) VALUES ($1, {{schema_text}}, $2, $3)",
                    self.backup
                ),
                &[(&self.position, Type::INT4), (&what, Type::TEXT), (&undo, Type::TEXT)],
            )
            .await?;
        Ok(())
    }

    async fn drop_triggers(&mut self, inventory: &Inventory) -> Result<(), DbError> {
        let names: Vec<&str> = inventory.moving.iter().map(|moving| moving.name.as_str()).collect();
        let rows = self
            .tx
            .query(
                include_str!("old_triggers.sql"),
                &[
                    (&inventory.schema, Type::TEXT),
                    (&names, Type::TEXT_ARRAY),
                    (&OLD_TRIGGER, Type::TEXT),
                    (&OLD_FUNCTION, Type::TEXT),
                ],
            )
            .await?;
        for row in &rows {
            let (name, drop, create): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            self.step(&format!("trigger {name} dropped"), &drop, &create).await?;
        }
        Ok(())
    }

    /// The functions are moved and not dropped: triggers of other tables may call them.
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

    /// Indexes, sequences of serial columns, constraints, grants and policies go with their table.
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

    /// What the company added to an old table stays reachable by `external_id`, through a view that reads with
    /// its caller's rights.
    async fn keep_local_columns(&mut self, moving: &Moving) -> Result<(), DbError> {
        if moving.local_columns.is_empty() || !moving.has_external_id {
            return Ok(());
        }
        let view = quote(&local_view(&moving.name));
        let columns: Vec<String> = moving.local_columns.iter().map(|column| quote(column)).collect();
        self.step(
            &format!("view {} made", local_view(&moving.name)),
            &format!(
                "CREATE VIEW {{schema}}.{view} WITH (security_invoker = true) AS
                 SELECT external_id, {} FROM {}.{}",
                columns.join(", "),
                self.backup,
                quote(&moving.name)
            ),
            &self.tx.sql(&format!("DROP VIEW {{schema}}.{view}")),
        )
        .await?;
        self.tx.batch(&format!("REVOKE ALL ON {{schema}}.{view} FROM PUBLIC")).await
    }

    /// Who could read an old table can read it where it is now, but for the public roles of Supabase.
    async fn let_readers_in(&self, backup_schema: &str) -> Result<(), DbError> {
        let roles = self
            .tx
            .query(
                "SELECT DISTINCT pg_catalog.quote_ident(r.rolname)
                   FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) granted
                   JOIN pg_catalog.pg_roles r ON r.oid = granted.grantee
                  WHERE n.nspname = $1 AND granted.grantee <> c.relowner AND r.rolname <> ALL ($2::text[])",
                &[(&backup_schema, Type::TEXT), (&PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY)],
            )
            .await?;
        for row in &roles {
            let role: String = row.get(0);
            self.tx.batch(&format!("GRANT USAGE ON SCHEMA {} TO {role}", self.backup)).await?;
        }
        let public = self
            .tx
            .query(
                "SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles
                  WHERE rolname = ANY ($1::text[]) ORDER BY 1",
                &[(&PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY)],
            )
            .await?;
        let views = self
            .tx
            .query(
                "SELECT pg_catalog.format('%I.%I', schemaname, viewname) FROM pg_catalog.pg_views
                  WHERE schemaname = {schema_text} AND viewname LIKE 'v5\\_local\\_%'",
                &[],
            )
            .await?;
        for view in &views {
            for role in &public {
                let (view, role): (String, String) = (view.get(0), role.get(0));
                self.tx.batch(&format!("REVOKE ALL ON {view} FROM {role}")).await?;
            }
        }
        Ok(())
    }
}
