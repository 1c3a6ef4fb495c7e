//! Lists what of a backup is open to Supabase's public roles, with the statement that closes it and the role that may
//! send it. Reads catalogues only, so that it serves for a backup of any owner.

use serde::Serialize;
use tokio_postgres::types::Type;

use super::names::{MANIFEST, POLICY, local_view};
use super::rights::{self, Relation};
use crate::access::PUBLIC_ROLES;
use crate::db::{Db, DbError, Tx, quote};
use crate::migrations;

/// Something that is open, and how it is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenAccess {
    /// What is open and to whom, for messages.
    pub what: String,
    /// The role that may close it, as may any that acts for it and a superuser.
    pub as_role: String,
    /// The statement that closes it.
    pub close_with: String,
    /// Why our role did not close it although it may, if it tried to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The relation of the backup that is open; empty for the schema itself.
    #[serde(skip)]
    pub(super) relation: String,
    /// Whether closing it waits for a lock of the relation. A REVOKE waits only for one that is not committed yet.
    #[serde(skip)]
    pub(super) needs_lock: bool,
    /// What closing it does, for messages.
    #[serde(skip)]
    pub(super) closing: String,
    /// Whether our role may close it.
    #[serde(skip)]
    pub is_ours: bool,
}

/// What is open of a backup schema, and of the views through which the account's schema shows it.
///
/// # Errors
/// Those of the database.
pub async fn of_backup(db: &Db, backup_schema: &str) -> Result<Vec<OpenAccess>, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let mut open = in_backup(&tx, backup_schema).await?;
    open.extend(in_views(&tx).await?);
    tx.rollback().await?;
    Ok(open)
}

/// What is open of a backup schema.
pub(super) async fn in_backup(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<OpenAccess>, DbError> {
    let mut open: Vec<OpenAccess> = of_schema(tx, backup_schema).await?;
    for relation in rights::of(tx, backup_schema, &migrations::relation_names()).await? {
        let roles = relation.closed_out();
        open.extend(relation.granted_by_others(backup_schema));
        let quoted = quote(backup_schema);
        if !roles.is_empty() {
            open.push(relation.opened(backup_schema, &roles.join(", "), relation.take(&quoted)));
        }
        if relation.is_table && !relation.is_secured {
            open.push(relation.without_row_security(backup_schema, secure(&relation, &quoted)));
        }
    }
    open.extend(of_manifest(tx, backup_schema).await?);
    Ok(open)
}

/// What is open of the manifest, which is its owner's alone.
pub(super) async fn of_manifest(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<OpenAccess>, DbError> {
    let mut open = Vec::new();
    for manifest in rights::of(tx, backup_schema, &[MANIFEST]).await? {
        let take = manifest.take_all(&quote(backup_schema));
        if !take.is_empty() {
            open.push(manifest.opened(backup_schema, "others than its owner", take));
        }
        if !manifest.is_secured {
            let secure = format!("ALTER TABLE {}.{MANIFEST} ENABLE ROW LEVEL SECURITY", quote(backup_schema));
            open.push(manifest.without_row_security(backup_schema, secure));
        }
    }
    Ok(open)
}

/// What is open of the views over the company's columns.
pub(super) async fn in_views(tx: &Tx<'_>) -> Result<Vec<OpenAccess>, DbError> {
    let names: Vec<String> = migrations::relation_names().into_iter().map(local_view).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (schema, mut open) = (tx.schema(), Vec::new());
    for view in rights::of(tx, schema, &names).await? {
        let roles = view.closed_out();
        if !roles.is_empty() {
            open.push(view.opened(schema, &roles.join(", "), view.take(&quote(schema))));
        }
        let writers = view.who_may_write();
        if !writers.is_empty() {
            let take = view.take_writing(&quote(schema));
            let mut writable = view.opened(schema, &format!("writing by {}", writers.join(", ")), take);
            writable.closing = format!("{schema}.{} writable for nobody", view.name);
            open.push(writable);
        }
    }
    Ok(open)
}

/// Rights on the schema itself: default privileges may have granted them.
pub(super) async fn of_schema(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<OpenAccess>, DbError> {
    let params = [(&backup_schema as _, Type::TEXT), (&PUBLIC_ROLES.as_slice() as _, Type::TEXT_ARRAY)];
    let rows = tx.query(include_str!("schema_open_to.sql"), &params).await?;
    let open = |row: &tokio_postgres::Row| {
        let role: Option<&str> = row.get("role");
        let grantee = role.map_or_else(|| "PUBLIC".to_owned(), quote);
        let to = role.unwrap_or("PUBLIC");
        OpenAccess {
            what: format!("{backup_schema} is open to {to}"),
            as_role: row.get("owner"),
            why: None,
            relation: String::new(),
            needs_lock: false,
            close_with: format!("REVOKE ALL ON SCHEMA {} FROM {grantee}", quote(backup_schema)),
            closing: format!("{backup_schema} closed to {to}"),
            is_ours: row.get("is_ours"),
        }
    };
    Ok(rows.iter().map(open).collect())
}

/// The statements that enable row security on a table of the backup, with a policy for its former readers.
pub(super) fn secure(relation: &Relation, backup: &str) -> String {
    let table = format!("{backup}.{}", quote(&relation.name));
    let bound = relation.readers(|reader| reader.is_bound);
    let mut act = format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY");
    if !relation.has_policy && !bound.is_empty() {
        let (policy, readers) = (quote(POLICY), bound.join(", "));
        act += &format!("; CREATE POLICY {policy} ON {table} TO {readers} USING (true) WITH CHECK (true)");
    }
    act
}

impl Relation {
    fn opened(&self, schema: &str, to: &str, close_with: String) -> OpenAccess {
        OpenAccess {
            what: format!("{schema}.{} is open to {to}", self.name),
            as_role: self.owner.clone(),
            why: None,
            relation: self.name.clone(),
            needs_lock: false,
            close_with,
            closing: format!("{schema}.{} closed to {to}", self.name),
            is_ours: self.is_ours,
        }
    }

    fn without_row_security(&self, schema: &str, close_with: String) -> OpenAccess {
        OpenAccess {
            what: format!("{schema}.{} has no row security", self.name),
            as_role: self.owner.clone(),
            why: None,
            relation: self.name.clone(),
            needs_lock: true,
            close_with,
            closing: format!("{schema}.{} closed by row security", self.name),
            is_ours: self.is_ours,
        }
    }

    /// Grants that only the role that made them may revoke.
    fn granted_by_others(&self, schema: &str) -> Option<OpenAccess> {
        let (giver, grantee, take) = self.chained(schema)?;
        Some(OpenAccess {
            what: format!("{schema}.{} is open to {grantee} by a grant of {giver}", self.name),
            as_role: giver,
            why: None,
            relation: self.name.clone(),
            needs_lock: false,
            close_with: take,
            closing: format!("{schema}.{} closed to {grantee}", self.name),
            is_ours: false,
        })
    }
}
