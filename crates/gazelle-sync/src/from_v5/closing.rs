//! Revokes public access to the backup. The old tables keep their grants when they are moved, which in version 5
//! included all rights for `anon` and `authenticated`; those, and PUBLIC's, are revoked. Other readers keep their
//! access. Going back undoes each step.

use tokio_postgres::types::Type;

use super::names::{LOCK_TIMEOUT, MANIFEST, POLICY, local_view};
use super::open::{self, Open};
use super::rights::{self, Relation};
use super::steps::Steps;
use crate::access::trust::owners;
use crate::db::{Db, DbError, Timeout, Tx, holders, quote};
use crate::migrations;

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

/// What [`close_again`] did.
#[derive(Debug, Default)]
pub struct Closed {
    /// One line for each change.
    pub closed: Vec<String>,
    /// What our role may not close.
    pub left_open: Vec<Open>,
}

/// Closes every backup that an earlier version left open or that somebody opened again, as far as our role may;
/// writes nothing if nothing was open.
///
/// # Errors
/// Those of the database.
pub async fn close_again(db: &Db) -> Result<Closed, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    tx.limit(Timeout::Lock, LOCK_TIMEOUT).await?;
    let mut outcome = Closed::default();
    let backups = tx.query(include_str!("backups.sql"), &[(&MANIFEST, Type::TEXT)]).await?;
    for row in &backups {
        close_backup(&tx, row.get(0), &mut outcome).await?;
    }
    if !backups.is_empty() {
        let open = open::in_views(&tx).await?;
        close_without_note(&tx, &open, "", &mut outcome.closed).await?;
        outcome.left_open.extend(open::in_views(&tx).await?);
    }
    if outcome.closed.is_empty() {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(outcome)
}

/// Closes one backup. If we may not trust its manifest, or may not close all of it, the manifest is neither read nor
/// written: code of its owner could run. That of another account's schema is not written either.
async fn close_backup(tx: &Tx<'_>, backup_schema: &str, outcome: &mut Closed) -> Result<(), DbError> {
    let mut open = open::in_backup(tx, backup_schema).await?;
    let mut locked = Locked::default();
    if open.iter().all(|open| open.is_ours) {
        // Whoever owns such a schema may hold its manifest locked too.
        tx.batch("SAVEPOINT closing").await?;
        match noted_if_believed(tx, backup_schema).await {
            Ok(noted) if noted.is_empty() => {}
            Ok(noted) => return close_with_note(tx, backup_schema, &noted, &mut outcome.closed).await,
            Err(error) => {
                tx.batch("ROLLBACK TO SAVEPOINT closing").await?;
                locked.note(tx, &error, backup_schema, MANIFEST).await?;
            }
        }
    }
    let as_it_is = " (not noted in its manifest, so that going back does not open it again)";
    // What needs no lock first: whoever owns such a schema may hold a table of it locked, which fails no migration and costs
    // one timeout, however many tables it is.
    open.sort_by_key(|one| one.needs_lock);
    for one in open.iter().filter(|one| one.is_ours) {
        if one.needs_lock && locked.by.is_some() {
            locked.not_tried.push(one.what.clone());
            continue;
        }
        tx.batch("SAVEPOINT closing").await?;
        let mut told = Vec::new();
        match close_without_note(tx, std::slice::from_ref(one), as_it_is, &mut told).await {
            Ok(()) => outcome.closed.extend(told),
            Err(error) => {
                tx.batch("ROLLBACK TO SAVEPOINT closing").await?;
                locked.note(tx, &error, backup_schema, &one.relation).await?;
            }
        }
    }
    // A REVOKE by a role that does not own the relation only raises a notice, so look again.
    let left = open::in_backup(tx, backup_schema).await?;
    outcome.left_open.extend(left.into_iter().map(|open| locked.told(open)));
    Ok(())
}

/// The first lock of a backup that was not granted in time.
#[derive(Default)]
struct Locked {
    /// The relation and who holds it, as a clause.
    by: Option<String>,
    relation: String,
    /// What was not tried after that.
    not_tried: Vec<String>,
}

impl Locked {
    /// Notes who holds the relation, if that is why a statement failed.
    async fn note(
        &mut self,
        tx: &Tx<'_>,
        error: &DbError,
        schema: &str,
        relation: &str,
    ) -> Result<(), DbError> {
        if error.is_lock_not_available() && self.by.is_none() {
            let holders = holders(tx, schema, relation).await?;
            self.by = Some(format!("{schema}.{relation} is held locked by {holders}"));
            self.relation = relation.to_owned();
        }
        Ok(())
    }

    /// Adds to what is left open why.
    fn told(&self, open: Open) -> Open {
        let Some(by) = &self.by else { return open };
        let why = match self.not_tried.contains(&open.what) {
            true => Some(format!("not tried, since {by}")),
            false if open.needs_lock && open.relation == self.relation => Some(by.clone()),
            false => None,
        };
        Open { why, ..open }
    }
}

/// The steps that the manifest records for the account's schema, if we trust the manifest and may read it.
async fn noted_if_believed(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<String>, DbError> {
    owners::check_believed(tx, backup_schema, MANIFEST).await?;
    if !is_readable(tx, backup_schema).await? {
        return Ok(Vec::new());
    }
    noted(tx, backup_schema).await
}

/// Whether our role may read a manifest that it trusts.
async fn is_readable(tx: &Tx<'_>, backup_schema: &str) -> Result<bool, DbError> {
    let params = [(&backup_schema as _, Type::TEXT), (&MANIFEST as _, Type::TEXT)];
    let rows = tx.query(include_str!("readable.sql"), &params).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Closes what our role may close.
async fn close_without_note(
    tx: &Tx<'_>,
    open: &[Open],
    remark: &str,
    told: &mut Vec<String>,
) -> Result<(), DbError> {
    for open in open.iter().filter(|open| open.is_ours) {
        tx.batch_as_is(&open.close_with).await?;
        told.push(format!("{}{remark}", open.closing));
    }
    Ok(())
}

/// The steps that the manifest records for the account's schema.
async fn noted(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<String>, DbError> {
    let sql = format!("SELECT what FROM {}.{MANIFEST} WHERE schema = $1", quote(backup_schema));
    let rows = tx.query(&sql, &[(&tx.schema(), Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn close_with_note(
    tx: &Tx<'_>,
    backup_schema: &str,
    noted: &[String],
    told: &mut Vec<String>,
) -> Result<(), DbError> {
    let is_first = !noted.iter().any(|what| what == DONE);
    let mut steps = Steps::resume(tx, backup_schema, is_first).await?;
    close_schema(tx, backup_schema, told).await?;
    let relations = rights::of(tx, backup_schema, &migrations::relation_names()).await?;
    close_relations(&mut steps, &relations, backup_schema, told).await?;
    close_manifest(tx, backup_schema, told).await?;
    if is_first {
        steps.step(DONE, "", "").await?;
        told.push(format!("{backup_schema}: {DONE}"));
    }
    Ok(())
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
        let (policy, act) = (quote(POLICY), open::secure(relation, &backup));
        let undo = format!(
            "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS {policy} ON {table}"
        );
        let what = format!("{} closed by row security", relation.name);
        steps.step(&what, &act, &undo).await?;
        told.push(format!("{backup_schema}.{what}"));
    }
    Ok(())
}

/// Revokes rights on the schema itself.
async fn close_schema(tx: &Tx<'_>, backup_schema: &str, told: &mut Vec<String>) -> Result<(), DbError> {
    close_without_note(tx, &open::of_schema(tx, backup_schema).await?, "", told).await
}

/// Going back executes the manifest's statements, so only its owner may write it.
async fn close_manifest(tx: &Tx<'_>, backup_schema: &str, told: &mut Vec<String>) -> Result<(), DbError> {
    close_without_note(tx, &open::of_manifest(tx, backup_schema).await?, "", told).await
}

/// Closes the views over the company's columns: nobody writes through them, and the public roles read nothing.
async fn close_views(tx: &Tx<'_>, told: &mut Vec<String>) -> Result<(), DbError> {
    close_without_note(tx, &open::in_views(tx).await?, "", told).await
}
