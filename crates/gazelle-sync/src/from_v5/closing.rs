//! Revokes public access to the backup. The old tables keep their grants when they are moved, which in version 5
//! included all rights for `anon` and `authenticated`; those, and PUBLIC's, are revoked. Other readers keep their
//! access. Going back undoes each step.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::names::{LOCK_TIMEOUT, MANIFEST, POLICY, default_backup_schema, local_view};
use super::open::{self, OpenAccess};
use super::rights::{self, Relation};
use super::steps::Steps;
use crate::access::trust::owners;
use crate::db::{Db, DbError, Timeout, Tx, holders, quote};
use crate::lease::{Unfenced, UnfencedTx};
use crate::migrations;

/// The step that marks a backup as closed: access granted later did not exist in version 5.
const DONE: &str = "backup closed to everybody but its former readers";

/// Closes what was moved, and grants its former readers USAGE on the schema.
pub(super) async fn close(steps: &mut Steps<'_, '_>, backup_schema: &str) -> Result<(), DbError> {
    let names = migrations::relation_names();
    let relations = rights::of(steps.tx, backup_schema, &names).await?;
    let mut messages = Vec::new();
    close_schema(steps.tx, backup_schema, &mut messages).await?;
    take_rights(steps, &relations, backup_schema, &mut messages).await?;
    secure(steps, &relations, backup_schema, &mut messages).await?;
    let mut readers: Vec<String> =
        relations.iter().flat_map(|relation| relation.readers(|reader| !reader.is_owner)).collect();
    readers.extend(relations.iter().map(|relation| quote(&relation.owner)));
    readers.sort();
    readers.dedup();
    for reader in readers {
        steps.tx.batch_as_is(&format!("GRANT USAGE ON SCHEMA {} TO {reader}", steps.backup)).await?;
    }
    for with_locks in [false, true] {
        close_manifest(steps.tx, backup_schema, with_locks, &mut messages).await?;
    }
    close_views(steps.tx, &mut messages).await?;
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
    pub left_open: Vec<OpenAccess>,
}

/// Closes every backup that an earlier version left open or that somebody opened again, as far as our role may;
/// writes nothing if nothing was open. All of them together wait for locks no longer than one timeout: whoever may make a
/// schema could make a thousand backups and hold them all locked.
///
/// # Errors
/// Those of the database.
pub async fn close_again(db: &Db) -> Result<Closed, DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldSystem.begin(&mut connection).await?;
    let mut outcome = Closed::default();
    let mut locked = Locked::default();
    let rows = tx.query(include_str!("backups.sql"), &[(&MANIFEST, Type::TEXT)]).await?;
    let mut backups: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    // Our own first: others may keep us waiting.
    backups.sort_by_key(|backup| *backup != default_backup_schema(tx.schema()));
    if !backups.is_empty() {
        let open = open::in_views(&tx).await?;
        close_each(&tx, tx.schema(), &open, "", &mut locked, &mut outcome.closed).await?;
    }
    let mut left = Vec::new();
    for backup in &backups {
        let rest = close_rights(&tx, backup, &mut locked, &mut outcome.closed).await?;
        left.push((*backup, rest));
    }
    // What needs a lock comes last: whoever owns such a schema may hold a table of it locked.
    for (backup, rest) in &left {
        close_each(&tx, backup, rest, NOT_NOTED, &mut locked, &mut outcome.closed).await?;
    }
    // A REVOKE by a role that does not own the relation only raises a notice, so look again.
    for backup in &backups {
        let open = open::in_backup(&tx, backup).await?;
        outcome.left_open.extend(open.into_iter().map(|open| locked.with_reason(backup, open)));
    }
    if !backups.is_empty() {
        let open = open::in_views(&tx).await?;
        outcome.left_open.extend(open.into_iter().map(|open| locked.with_reason(tx.schema(), open)));
    }
    if outcome.closed.is_empty() {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(outcome)
}

const NOT_NOTED: &str = " (not noted in its manifest, so that going back does not open it again)";

/// Closes what of a backup needs no lock, and all of it if its manifest can note that; returns what is left for locks. If we may
/// not trust its manifest, or may not close all of it, the manifest is neither read nor written: code of its owner could run.
/// That of another account's schema is not written either.
async fn close_rights(
    tx: &UnfencedTx<'_>,
    backup_schema: &str,
    locked: &mut Locked,
    closed: &mut Vec<String>,
) -> Result<Vec<OpenAccess>, DbError> {
    let open = open::in_backup(tx, backup_schema).await?;
    if locked.by.is_none() && open.iter().all(|open| open.is_ours) {
        tx.batch("SAVEPOINT closing").await?;
        locked.limit(tx).await?;
        let begun = Instant::now();
        let noted = noted_if_believed(tx, backup_schema).await;
        locked.waited += begun.elapsed();
        match noted {
            Ok(noted) if noted.is_empty() => {}
            Ok(noted) => {
                close_with_note(tx, backup_schema, &noted, locked, closed).await?;
                return Ok(Vec::new());
            }
            Err(error) => {
                tx.batch("ROLLBACK TO SAVEPOINT closing").await?;
                locked.note(tx, &error, backup_schema, MANIFEST).await?;
            }
        }
    }
    let (for_locks, at_once): (Vec<OpenAccess>, Vec<OpenAccess>) =
        open.into_iter().partition(|one| one.needs_lock);
    close_each(tx, backup_schema, &at_once, NOT_NOTED, locked, closed).await?;
    Ok(for_locks)
}

/// Closes what our role may close, one after the other, until a lock is not granted in time.
async fn close_each(
    tx: &Tx<'_>,
    schema: &str,
    open: &[OpenAccess],
    remark: &str,
    locked: &mut Locked,
    closed: &mut Vec<String>,
) -> Result<(), DbError> {
    for one in open.iter().filter(|one| one.is_ours) {
        if locked.by.is_some() {
            locked.not_tried.insert(one.what.clone());
            continue;
        }
        tx.batch("SAVEPOINT closing").await?;
        locked.limit(tx).await?;
        let begun = Instant::now();
        let mut messages = Vec::new();
        let done = close_without_note(tx, std::slice::from_ref(one), remark, &mut messages).await;
        locked.waited += begun.elapsed();
        match done {
            Ok(()) => closed.extend(messages),
            Err(error) => {
                tx.batch("ROLLBACK TO SAVEPOINT closing").await?;
                locked.note(tx, &error, schema, &one.relation).await?;
            }
        }
    }
    Ok(())
}

/// The time that is spent on waiting for locks, and the first one that was not granted in time: nothing is tried after it, since
/// a REVOKE may wait too.
#[derive(Default)]
struct Locked {
    /// How long the statements took so far that may have waited.
    waited: Duration,
    /// The relation and who holds it, as a clause.
    by: Option<String>,
    schema: String,
    relation: String,
    /// What was not tried after that.
    not_tried: HashSet<String>,
}

impl Locked {
    /// Limits the next statement to what is left of the time for all of them; a little is left to each.
    async fn limit(&self, tx: &Tx<'_>) -> Result<(), DbError> {
        let left = LOCK_TIMEOUT.saturating_sub(self.waited).max(Duration::from_millis(100));
        tx.limit(Timeout::Lock, left).await
    }

    /// Notes who holds the relation, if that is why a statement failed.
    async fn note(
        &mut self,
        tx: &Tx<'_>,
        error: &DbError,
        schema: &str,
        relation: &str,
    ) -> Result<(), DbError> {
        if error.is_lock_not_available() && self.by.is_none() {
            self.by = Some(match relation {
                "" => format!("the rights on {schema} are being changed by another session"),
                _ => {
                    format!("{schema}.{relation} is held locked by {}", holders(tx, schema, relation).await?)
                }
            });
            (self.schema, self.relation) = (schema.to_owned(), relation.to_owned());
        }
        Ok(())
    }

    /// Adds the reason to something that is left open.
    fn with_reason(&self, schema: &str, open: OpenAccess) -> OpenAccess {
        let Some(by) = &self.by else { return open };
        let is_held = schema == self.schema && open.relation == self.relation;
        let why = match self.not_tried.contains(&open.what) {
            true => Some(format!("not tried, since {by}")),
            false if is_held && open.is_ours => Some(by.clone()),
            false => None,
        };
        OpenAccess { why, ..open }
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
    open: &[OpenAccess],
    remark: &str,
    messages: &mut Vec<String>,
) -> Result<(), DbError> {
    for open in open.iter().filter(|open| open.is_ours) {
        tx.batch_as_is(&open.close_with).await?;
        messages.push(format!("{}{remark}", open.closing));
    }
    Ok(())
}

/// The steps that the manifest records for the account's schema.
async fn noted(tx: &Tx<'_>, backup_schema: &str) -> Result<Vec<String>, DbError> {
    let sql = format!("SELECT what FROM {}.{MANIFEST} WHERE schema = $1", quote(backup_schema));
    let rows = tx.query(&sql, &[(&tx.schema(), Type::TEXT)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Closes a backup whose manifest notes it: first the rights, then what needs locks. Where one is not granted in time, what was done
/// before stays.
async fn close_with_note(
    tx: &UnfencedTx<'_>,
    backup_schema: &str,
    noted: &[String],
    locked: &mut Locked,
    closed: &mut Vec<String>,
) -> Result<(), DbError> {
    let is_first = !noted.iter().any(|what| what == DONE);
    let relations = rights::of(tx, backup_schema, &migrations::relation_names()).await?;
    for with_locks in [false, true] {
        if locked.by.is_some() {
            break;
        }
        tx.batch("SAVEPOINT closing").await?;
        locked.limit(tx).await?;
        let (begun, mut messages) = (Instant::now(), Vec::new());
        let done = async {
            let mut steps = Steps::resume(tx, backup_schema, is_first).await?;
            match with_locks {
                false => {
                    close_schema(tx, backup_schema, &mut messages).await?;
                    take_rights(&mut steps, &relations, backup_schema, &mut messages).await?;
                    close_manifest(tx, backup_schema, false, &mut messages).await
                }
                true => {
                    secure(&mut steps, &relations, backup_schema, &mut messages).await?;
                    close_manifest(tx, backup_schema, true, &mut messages).await?;
                    if is_first {
                        steps.step(DONE, "", "").await?;
                        messages.push(format!("{backup_schema}: {DONE}"));
                    }
                    Ok(())
                }
            }
        }
        .await;
        locked.waited += begun.elapsed();
        match done {
            Ok(()) => closed.extend(messages),
            Err(error) if error.is_lock_not_available() => {
                tx.batch("ROLLBACK TO SAVEPOINT closing").await?;
                locked.note(tx, &error, backup_schema, MANIFEST).await?;
            }
            Err(error) => return Err(error),
        }
    }
    if locked.by.is_some() {
        let left = open::in_backup(tx, backup_schema).await?;
        locked.not_tried.extend(left.into_iter().filter(|open| open.is_ours).map(|open| open.what));
    }
    Ok(())
}

/// Revokes rights on the relations.
async fn take_rights(
    steps: &mut Steps<'_, '_>,
    relations: &[Relation],
    backup_schema: &str,
    messages: &mut Vec<String>,
) -> Result<(), DbError> {
    rights::check_removable(relations, backup_schema)?;
    let backup = steps.backup.clone();
    for relation in relations {
        let roles = relation.closed_out();
        if !roles.is_empty() {
            let what = format!("{} closed to {}", relation.name, roles.join(", "));
            steps.step(&what, &relation.take(&backup), &relation.give_back(&backup)).await?;
            messages.push(format!("{backup_schema}.{what}"));
        }
    }
    Ok(())
}

/// Enables row security on each table, with a policy for its former readers.
async fn secure(
    steps: &mut Steps<'_, '_>,
    relations: &[Relation],
    backup_schema: &str,
    messages: &mut Vec<String>,
) -> Result<(), DbError> {
    let backup = steps.backup.clone();
    for relation in relations.iter().filter(|relation| relation.is_table && !relation.is_secured) {
        let table = format!("{backup}.{}", quote(&relation.name));
        let (policy, act) = (quote(POLICY), open::secure(relation, &backup));
        let undo = format!(
            "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS {policy} ON {table}"
        );
        let what = format!("{} closed by row security", relation.name);
        steps.step(&what, &act, &undo).await?;
        messages.push(format!("{backup_schema}.{what}"));
    }
    Ok(())
}

/// Revokes rights on the schema itself.
async fn close_schema(tx: &Tx<'_>, backup_schema: &str, messages: &mut Vec<String>) -> Result<(), DbError> {
    close_without_note(tx, &open::of_schema(tx, backup_schema).await?, "", messages).await
}

/// Going back executes the manifest's statements, so only its owner may write it. Closes what needs a lock, or what does not.
async fn close_manifest(
    tx: &Tx<'_>,
    backup_schema: &str,
    with_locks: bool,
    messages: &mut Vec<String>,
) -> Result<(), DbError> {
    let mut open = open::of_manifest(tx, backup_schema).await?;
    open.retain(|open| open.needs_lock == with_locks);
    close_without_note(tx, &open, "", messages).await
}

/// Closes the views over the company's columns: nobody writes through them, and the public roles read nothing.
async fn close_views(tx: &Tx<'_>, messages: &mut Vec<String>) -> Result<(), DbError> {
    close_without_note(tx, &open::in_views(tx).await?, "", messages).await
}
