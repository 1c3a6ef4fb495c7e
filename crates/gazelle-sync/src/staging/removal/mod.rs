//! Deletes rows of our tables that the program no longer needs. A row stays if a row of a user's table refers to it,
//! since its deletion would be refused or would cascade to the user's row, or if a user's trigger prevents the deletion,
//! with an error or without one. Such rows do not affect the deletion of others; they are reported with the name of the
//! foreign key or trigger.

pub mod retention;

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::written;
use crate::db::{Bisect, Db, DbError, Param, Tx, WriteTx};
use crate::lease::{FencedTx, Unfenced, UnfencedTx};
use crate::migrations;

/// Number of rows of a table that the database may refuse to delete before the remaining ones are no longer tried: a
/// trigger that refuses each of many thousands must not make a run last for hours.
const MOST_REFUSALS: u32 = 64;
/// Number of failed transactions after which the same applies. Finding one refused row in a batch takes about a dozen.
const MOST_FAILED: u32 = 1_000;

/// A foreign key of a user's table, because of which a deletion would be refused or would cascade to the user's rows.
#[derive(Debug, Clone)]
struct Key {
    /// Its name and table, for messages.
    said: String,
    /// SQL condition that a row of the user's table refers to the row `held`; `None` if we may not read that table.
    refers: Option<String>,
}

/// The foreign keys of users' tables that refer to a table of ours, or to one whose rows are deleted with its rows.
#[derive(Debug, Clone)]
pub struct Holders {
    table: &'static str,
    keys: Vec<Key>,
}

impl Holders {
    /// Reads them from the catalogues.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(tx: &Tx<'_>, table: &'static str) -> Result<Holders, DbError> {
        let ours = migrations::relation_names();
        let params =
            [(&tx.schema() as _, Type::TEXT), (&table as _, Type::TEXT), (&ours as _, Type::TEXT_ARRAY)];
        let key = |row: &Row| Key {
            said: format!("foreign key {} of {}", row.get::<_, &str>("name"), row.get::<_, &str>("theirs")),
            refers: row.get::<_, bool>("may_look").then(|| row.get("refers")),
        };
        let keys = tx.query(include_str!("keys.sql"), &params).await?.iter().map(key).collect();
        Ok(Holders { table, keys })
    }

    /// SQL conditions, each beginning with AND, that no row of a user's table refers to the row `held`.
    pub fn and_not_held(&self) -> String {
        let of = |key: &Key| match &key.refers {
            Some(refers) => format!("\n   AND NOT {refers}"),
            None => "\n   AND false".to_owned(),
        };
        self.keys.iter().map(of).collect()
    }

    /// Deletes those of these rows to which no row of a user's table refers. `key` is the column of the ids.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove(&self, tx: &FencedTx<'_>, key: &str, ids: &[Uuid]) -> Result<Removed, DbError> {
        self.remove_rows(tx, key, "", ids).await
    }

    /// The same without the lease for rows that no run needs any more ([`Unfenced::OldRows`]), and that also satisfy
    /// `condition`, which begins with AND or is empty.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_where(
        &self,
        tx: &UnfencedTx<'_>,
        key: &str,
        condition: &str,
        ids: &[Uuid],
    ) -> Result<Removed, DbError> {
        self.remove_rows(tx, key, condition, ids).await
    }

    /// What both do. They decide whether the lease is checked.
    async fn remove_rows(
        &self,
        tx: &WriteTx<'_>,
        key: &str,
        condition: &str,
        ids: &[Uuid],
    ) -> Result<Removed, DbError> {
        let mut removed = Removed::default();
        let params = [(&ids as _, Type::UUID_ARRAY)];
        let of_ids = format!("{{schema}}.{} held WHERE held.{key} = ANY ($1::uuid[]){condition}", self.table);
        if !self.keys.is_empty() {
            // From here on no new reference to these rows can be created.
            tx.query(&format!("SELECT 1 FROM {of_ids} FOR UPDATE"), &params).await?;
        }
        for holder in &self.keys {
            let refers = holder.refers.as_deref().unwrap_or("true");
            let sql = format!("SELECT count(*) FROM {of_ids} AND {refers}");
            let rows = tx.query(&sql, &params).await?;
            removed.keep(&holder.said, rows.first().map_or(0, |row| row.get::<_, i64>(0)).unsigned_abs());
        }
        let free = self.and_not_held();
        let mut due = ids.to_vec();
        if !free.is_empty() || !condition.is_empty() {
            let rows = tx.query(&format!("SELECT held.{key} FROM {of_ids}{free}"), &params).await?;
            due = rows.iter().map(|row| row.get(0)).collect();
        }
        let gone = tx.query(&format!("DELETE FROM {of_ids}{free} RETURNING held.{key}"), &params).await?;
        let left = written::missing(due, &gone).len() as u64;
        if left > 0 {
            let (suspects, _) = written::suspects(tx, self.table).await?;
            let by = if suspects.is_empty() { "the database".to_owned() } else { suspects.join(", ") };
            removed.keep(&by, left);
        }
        removed.gone = gone.len() as u64;
        Ok(removed)
    }
}

/// Most rows that are removed in one transaction.
const A_TIME: i64 = 500;

/// Removes the rows of a table whose instant in a column is before another one, as far as nothing keeps them, in parts,
/// each in a transaction of its own. `id` is the table's key; what a run needs is not among these tables.
///
/// # Errors
/// The database's, if no row caused it; what was removed before stays removed.
pub async fn remove_before(
    db: &Db,
    table: &'static str,
    column: &str,
    before: Timestamp,
) -> Result<Removed, DbError> {
    let holders = {
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        Holders::of(&tx, table).await?
    };
    let sql = format!(
        "SELECT held.id FROM {{schema}}.{table} held WHERE held.{column} < $1 AND held.id > $2 ORDER BY held.id LIMIT $3"
    );
    let (mut removed, mut position) = (Removed::default(), Uuid::nil());
    loop {
        let params: [Param<'_>; 3] =
            [(&before, Type::TIMESTAMPTZ), (&position, Type::UUID), (&A_TIME, Type::INT8)];
        let rows = db.query(&sql, &params).await?;
        let old: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let Some(last) = old.last() else { return Ok(removed) };
        position = *last;
        let mut parts = parts(&old);
        while let Some(part) = removed.next(&mut parts) {
            let of_part = remove_some(db, &holders, part).await;
            removed.add_result(&mut parts, part, of_part)?;
        }
    }
}

/// Removes rows by their ids, in one transaction.
async fn remove_some(db: &Db, holders: &Holders, ids: &[Uuid]) -> Result<Removed, DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldRows.begin(&mut connection).await?;
    let removed = holders.remove_where(&tx, "id", "", ids).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Splits rows into parts, each deleted in a transaction of its own.
pub fn parts(ids: &[Uuid]) -> Bisect<'_, Uuid> {
    Bisect::new(ids).retrying_conflicts()
}

/// The result of a deletion.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many rows were deleted.
    pub gone: u64,
    /// How many rows stay, by what prevents their deletion.
    kept: BTreeMap<String, u64>,
    /// How many rows the database refused to delete.
    refusals: u32,
    /// How many transactions failed while those rows were searched for.
    failed: u32,
    /// How many rows were not tried because too many had been refused.
    untried: u64,
}

impl Removed {
    /// All of `gone` rows were deleted, and none stays.
    pub fn all(gone: u64) -> Removed {
        Removed { gone, ..Removed::default() }
    }

    fn keep(&mut self, by: &str, rows: u64) {
        if rows > 0 {
            *self.kept.entry(by.to_owned()).or_default() += rows;
        }
    }

    /// The next part to delete in a transaction of its own; the caller passes its result to [`Removed::add_result`]. `None` when
    /// all parts are done, or too many rows were refused.
    pub fn next<'i>(&mut self, parts: &mut Bisect<'i, Uuid>) -> Option<&'i [Uuid]> {
        for part in parts.by_ref() {
            if self.refusals < MOST_REFUSALS && self.failed < MOST_FAILED {
                return Some(part);
            }
            self.untried += part.len() as u64;
        }
        None
    }

    /// Adds the result of a part. A part that the database refused is halved until the refused row is alone.
    ///
    /// # Errors
    /// The database's, if no row caused it; the rows deleted before stay deleted.
    pub fn add_result<'i>(
        &mut self,
        parts: &mut Bisect<'i, Uuid>,
        part: &'i [Uuid],
        removed: Result<Removed, DbError>,
    ) -> Result<(), DbError> {
        match removed {
            Ok(removed) => {
                self.gone += removed.gone;
                removed.kept.iter().for_each(|(by, rows)| self.keep(by, *rows));
            }
            Err(error) => {
                self.failed += 1;
                if let Some((_, refusal)) = parts.failed(part, error)? {
                    self.refusals += 1;
                    self.keep(&refusal.to_string(), 1);
                }
            }
        }
        Ok(())
    }

    /// Which rows stay and why, in one sentence without a period; `None` if none does.
    pub fn kept_rows_message(&self, table: &str) -> Option<String> {
        let mut kept: Vec<String> = self.kept.iter().map(|(by, rows)| format!("{rows} by {by}")).collect();
        if self.untried > 0 {
            kept.push(format!("{} untried after {} refusals", self.untried, self.refusals));
        }
        (!kept.is_empty()).then(|| {
            format!(
                "old rows of {table} are kept that the settings would remove: {}; no other run and no other row is \
                 affected, `gazelle-sync doctor` lists what was added to our tables",
                kept.join(", ")
            )
        })
    }
}
