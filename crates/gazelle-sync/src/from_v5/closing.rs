//! Revokes public access to the backup. The old tables keep their grants when they are moved, which in version 5
//! included all rights for `anon` and `authenticated`; those, and PUBLIC's, are revoked. Other readers keep their
//! access. Going back undoes each step.

use tokio_postgres::types::Type;

use super::names::{LOCK_TIMEOUT, MANIFEST, POLICY, local_view};
use super::rights::{self, Relation};
use super::steps::Steps;
use crate::access::trust::owners;
use crate::db::{Db, DbError, Timeout, Tx, quote};
use crate::{access, migrations};

/// The step that marks a backup as closed: access granted later did not exist in version 5.
const DONE: &str = "backup closed to everybody but its former readers";

/// Closes what was moved, and grants its former readers USAGE on the schema.
pub(super) async fn close(steps: &mut Steps<'_, '_>, backup_schema: &str) -> Result<(), DbError> {
    let names = migrations::relation_names();
    let relations = rights::of(steps.tx, backup_schema, &names).await?;
    let mut told = Vec::new();
    close_schema(steps.tx, backup_schema, &mut told).await?;
    close_relations(steps, &relations, backup_schema, &mut told).await?;
    let mut readers: Vec<String> =
        relations.iter().flat_map(|relation| relation.readers(|reader| !reader.is_owner)).collect();
    readers.extend(relations.iter().map(|relation| quote(&relation.owner)));
    readers.sort();
    readers.dedup();
    for reader in readers {
        steps.tx.batch_as_is(&format!("GRANT USAGE ON SCHEMA {} TO {reader}", steps.backup)).await?;
    }
    close_manifest(steps.tx, backup_schema, &mut told).await?;
    close_views(steps.tx, &mut told).await?;
    // Through the views they may read what they may read of the tables, and write nothing.
    for relation in &relations {
        let view = local_view(&relation.name);
        if rights::of(steps.tx, steps.tx.schema(), &[&view]).await?.is_empty() {
            continue;
        }
        for reader in relation.who_may_select() {
            let view = format!("{}.{}", quote(steps.tx.schema()), quote(&view));
            steps.tx.batch_as_is(&format!("GRANT SELECT ON {view} TO {reader}")).await?;
        }
    }
    steps.step(DONE, "", "").await
}

/// Closes every backup of the account's schema that an earlier version left open or that somebody opened again.
/// Returns one line for each change; writes nothing if nothing was open.
///
/// # Errors
/// A relation of another owner is open. Those of the database.
pub async fn close_again(db: &Db) -> Result<Vec<String>, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    tx.limit(Timeout::Lock, LOCK_TIMEOUT).await?;
    let mut told = Vec::new();
    for backup_schema in backups(&tx).await? {
        close_backup(&tx, &backup_schema, &mut told).await?;
    }
    if told.is_empty() {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(told)
}

/// The schemas that contain a backup for the account's schema.
async fn backups(tx: &Tx<'_>) -> Result<Vec<String>, DbError> {
    let found = tx.query(include_str!("backups.sql"), &[(&MANIFEST, Type::TEXT)]).await?;
    let mut ours = Vec::new();
    for row in &found {
        let schema: String = row.get(0);
        // A manifest that we do not trust does not count as a backup.
        if owners::check_believed(tx, &schema, MANIFEST).await.is_ok()
            && !noted(tx, &schema).await?.is_empty()
        {
            ours.push(schema);
        }
    }
    Ok(ours)
}

/// The steps that the manifest records for the account's schema.
async fn noted(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<String>, DbError> {
    let sql = format!("SELECT what FROM {}.{MANIFEST} WHERE schema = $1", quote(backup_schema));
    let rows = tx.query(&sql, &[(&tx.schema(), Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn close_backup(tx: &Tx<'_>, backup_schema: &str, told: &mut Vec<String>) -> Result<(), DbError> {
    let names = migrations::relation_names();
    let is_first = !noted(tx, backup_schema).await?.iter().any(|what| what == DONE);
    let mut steps = Steps::resume(tx, backup_schema, is_first).await?;
    let before = told.len();
    close_schema(tx, backup_schema, told).await?;
    let relations = rights::of(tx, backup_schema, &names).await?;
    close_relations(&mut steps, &relations, backup_schema, told).await?;
    close_manifest(tx, backup_schema, told).await?;
    close_views(tx, told).await?;
    if is_first {
        steps.step(DONE, "", "").await?;
        told.push(format!("{backup_schema}: {DONE}"));
    }
    if told.len() == before {
        return Ok(());
    }
    // A REVOKE by a role that does not own the relation only raises a notice, so check again.
    let left = rights::of(tx, backup_schema, &names).await?;
    match left.iter().find(|relation| !relation.closed_out().is_empty()) {
        None => Ok(()),
        Some(open) => Err(DbError::infrastructure(format!(
            "{backup_schema}.{} belongs to {}, and the role in DATABASE_URL may not close it: run this as {}, or as an \
             administrator",
            open.name, open.owner, open.owner
        ))),
    }
}

/// Revokes rights on the relations and enables row security on each table, with a policy for its former readers.
async fn close_relations(
    steps: &mut Steps<'_, '_>,
    relations: &[Relation],
    backup_schema: &str,
    told: &mut Vec<String>,
) -> Result<(), DbError> {
    rights::check_removable(relations, backup_schema)?;
    let backup = steps.backup.clone();
    for relation in relations {
        let roles = relation.closed_out();
        if !roles.is_empty() {
            let what = format!("{} closed to {}", relation.name, roles.join(", "));
            steps.step(&what, &relation.take(&backup), &relation.give_back(&backup)).await?;
            told.push(format!("{backup_schema}.{what}"));
        }
        if !relation.is_table || relation.is_secured {
            continue;
        }
        let table = format!("{backup}.{}", quote(&relation.name));
        let (policy, bound) = (quote(POLICY), relation.readers(|reader| reader.is_bound));
        let mut act = format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY");
        if !relation.has_policy && !bound.is_empty() {
            let readers = bound.join(", ");
            act +=
                &format!("; CREATE POLICY {policy} ON {table} TO {readers} USING (true) WITH CHECK (true)");
        }
        let undo = format!(
            "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS {policy} ON {table}"
        );
        let what = format!("{} closed by row security", relation.name);
        steps.step(&what, &act, &undo).await?;
        told.push(format!("{backup_schema}.{what}"));
    }
    Ok(())
}

/// Revokes rights on the schema itself: default privileges may have granted them.
async fn close_schema(tx: &Tx<'_>, backup_schema: &str, told: &mut Vec<String>) -> Result<(), DbError> {
    let rows = tx
        .query(
            include_str!("schema_open_to.sql"),
            &[(&backup_schema, Type::TEXT), (&access::PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY)],
        )
        .await?;
    for row in &rows {
        let role: Option<&str> = row.get("role");
        let grantee = role.map_or_else(|| "PUBLIC".to_owned(), quote);
        tx.batch_as_is(&format!("REVOKE ALL ON SCHEMA {} FROM {grantee}", quote(backup_schema))).await?;
        told.push(format!("{backup_schema} closed to {}", role.unwrap_or("PUBLIC")));
    }
    Ok(())
}

/// Going back executes the manifest's statements, so only its owner may write it.
async fn close_manifest(tx: &Tx<'_>, backup_schema: &str, told: &mut Vec<String>) -> Result<(), DbError> {
    let backup = quote(backup_schema);
    for manifest in rights::of(tx, backup_schema, &[MANIFEST]).await? {
        let take = manifest.take_all(&backup);
        if !take.is_empty() {
            tx.batch_as_is(&take).await?;
            told.push(format!("{backup_schema}.{MANIFEST} closed to everybody"));
        }
        if !manifest.is_secured {
            tx.batch_as_is(&format!("ALTER TABLE {backup}.{MANIFEST} ENABLE ROW LEVEL SECURITY")).await?;
            told.push(format!("{backup_schema}.{MANIFEST} closed by row security"));
        }
    }
    Ok(())
}

/// Closes the views over the company's columns: nobody writes through them, and the public roles read nothing.
async fn close_views(tx: &Tx<'_>, told: &mut Vec<String>) -> Result<(), DbError> {
    let names: Vec<String> = migrations::relation_names().into_iter().map(local_view).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let schema = quote(tx.schema());
    for view in rights::of(tx, tx.schema(), &names).await? {
        let roles = view.closed_out();
        if !roles.is_empty() {
            tx.batch_as_is(&view.take(&schema)).await?;
            told.push(format!("{}.{} closed to {}", tx.schema(), view.name, roles.join(", ")));
        }
        let writers = view.who_may_write();
        if !writers.is_empty() {
            let view_name = quote(&view.name);
            let from = writers.join(", ");
            tx.batch_as_is(&format!(
                "REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {schema}.{view_name} FROM {from}"
            ))
            .await?;
            told.push(format!("{}.{} writable for nobody", tx.schema(), view.name));
        }
    }
    Ok(())
}
