//! Makes production equal to its rebuilt copy: applies exactly the difference that was shown, in the same
//! transaction and snapshot, or nothing.
//!
//! What a user adds to our tables (a constraint, a trigger, a required column) can refuse a row. A record whose
//! newest version stage 2 has not processed is left to stage 2, which quarantines it alone with the reason. A
//! processed record must be as the rebuild has it: if it is refused, nothing is applied, and the error names it. No
//! row is ever removed because another one was refused.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::difference::{self, RecordSelection, TableDifference, fill};
use crate::db::DbError;
use crate::entities::Entity;
use crate::entities::table::Table;
use crate::lease::FencedTx;
use crate::staging::written;

/// Record ids by the name of their entity.
pub type Records = HashMap<&'static str, Vec<String>>;

/// Makes these parts, parents first, equal to their rebuilt copies; returns how many rows were written or removed.
/// `shown` is their difference in this snapshot; `unprocessed` are the differing records whose newest version stage
/// 2 has not processed: they are written only if processed records refer to them. Equal rows are not touched.
///
/// # Errors
/// The database's. If it refuses a row of a processed record, the error names the record and the constraint, column
/// or function; the caller rolls back.
pub async fn apply(
    tx: &FencedTx<'_>,
    parts: &[RecordSelection],
    shown: &[TableDifference],
    unprocessed: &Records,
) -> Result<u64, DbError> {
    if unprocessed.values().all(Vec::is_empty) {
        return write_or_blame(tx, parts, shown, parts).await;
    }
    let mut processed = parts.to_vec();
    for part in &mut processed {
        part.except.extend(unprocessed.get(part.entity.name).into_iter().flatten().cloned());
    }
    let mut expected = Vec::new();
    for part in &processed {
        expected.extend(difference::of_part(tx, 0, part).await?);
    }
    match tx.in_savepoint(write(tx, &processed, &expected)).await? {
        Err(_) => write_or_blame(tx, parts, shown, &processed).await,
        Ok(written) => Ok(written),
    }
}

/// Writes the difference. If a row is refused, the error names the refused record, if it is among `suspects`.
async fn write_or_blame(
    tx: &FencedTx<'_>,
    parts: &[RecordSelection],
    expected: &[TableDifference],
    suspects: &[RecordSelection],
) -> Result<u64, DbError> {
    match tx.in_savepoint(write(tx, parts, expected)).await? {
        Err(refusal) => Err(offender(tx, suspects, refusal).await?),
        Ok(written) => Ok(written),
    }
}

/// Writes the difference of these parts, and checks that it is as many rows as expected.
async fn write(
    tx: &FencedTx<'_>,
    parts: &[RecordSelection],
    expected: &[TableDifference],
) -> Result<u64, DbError> {
    let mut written = 0;
    for (part, table) in tables(parts) {
        let expected = expected.iter().find(|expected| expected.table == table.name);
        written += write_rows(tx, part, table, expected).await?;
    }
    for (part, table) in tables(parts).rev() {
        let expected = expected.iter().find(|expected| expected.table == table.name);
        written += remove(tx, part, table, expected).await?;
    }
    Ok(written)
}

fn tables(parts: &[RecordSelection]) -> impl DoubleEndedIterator<Item = (&RecordSelection, &'static Table)> {
    parts.iter().flat_map(|part| part.entity.tables.iter().map(move |table| (part, *table)))
}

/// Rewrites rows that differ and adds those that are missing.
async fn write_rows(
    tx: &FencedTx<'_>,
    part: &RecordSelection,
    table: &Table,
    expected: Option<&TableDifference>,
) -> Result<u64, DbError> {
    if expected.is_some_and(|expected| expected.changed + expected.missing == 0) {
        return Ok(0);
    }
    let params = part.params();
    let changed = tx.execute(&fill(include_str!("update_differing.sql"), table), &params).await?;
    let rows = tx.query(&fill(include_str!("insert_missing.sql"), table), &params).await?;
    let added = rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64);
    crate::crash::at(crate::crash::CrashPoint::RowsWritten);
    if let Some(expected) = expected {
        all_of(tx, table, "rewritten", expected.changed, changed).await?;
        all_of(tx, table, "inserted", expected.missing, added).await?;
    }
    Ok(changed + added)
}

async fn remove(
    tx: &FencedTx<'_>,
    part: &RecordSelection,
    table: &Table,
    expected: Option<&TableDifference>,
) -> Result<u64, DbError> {
    if expected.is_some_and(|expected| expected.surplus == 0) {
        return Ok(0);
    }
    let removed = tx.execute(&fill(include_str!("remove_surplus.sql"), table), &part.params()).await?;
    if let Some(expected) = expected {
        all_of(tx, table, "removed", expected.surplus, removed).await?;
    }
    Ok(removed)
}

/// Fails if not the expected number of rows was written: a trigger that returns NULL, or a policy that hides rows,
/// suppresses a write without an error.
async fn all_of(
    tx: &FencedTx<'_>,
    table: &Table,
    what: &str,
    expected: i64,
    done: u64,
) -> Result<(), DbError> {
    if u64::try_from(expected) == Ok(done) {
        return Ok(());
    }
    Err(written::suppressed(tx, table.name, &format!("{done} of {expected} row(s) were {what}")).await?)
}

/// Finds a refused record, for the error message. Rows that this writes are rolled back with the transaction.
async fn offender(
    tx: &FencedTx<'_>,
    parts: &[RecordSelection],
    refusal: DbError,
) -> Result<DbError, DbError> {
    for part in parts {
        let records = difference::differing_records(tx, part).await?;
        if let Some(found) = first_refused(tx, part.entity, &records, put_alone).await? {
            return Ok(found);
        }
    }
    for part in parts.iter().rev() {
        let records = difference::surplus_records(tx, part).await?;
        if let Some(found) = first_refused(tx, part.entity, &records, remove_alone).await? {
            return Ok(found);
        }
    }
    // The records are refused together, but not one by one.
    Ok(refusal)
}

async fn put_alone(tx: &FencedTx<'_>, part: &RecordSelection) -> Result<(), DbError> {
    for (expected, table) in difference::of_part(tx, 0, part).await?.iter().zip(part.entity.tables) {
        write_rows(tx, part, table, Some(expected)).await?;
    }
    Ok(())
}

async fn remove_alone(tx: &FencedTx<'_>, part: &RecordSelection) -> Result<(), DbError> {
    for (expected, table) in difference::of_part(tx, 0, part).await?.iter().zip(part.entity.tables).rev() {
        remove(tx, part, table, Some(expected)).await?;
    }
    Ok(())
}

/// Bisects records until a refused one is alone; none if none is refused. Records that pass stay written.
async fn first_refused(
    tx: &FencedTx<'_>,
    entity: &'static Entity,
    records: &[String],
    attempt: impl AsyncFn(&FencedTx<'_>, &RecordSelection) -> Result<(), DbError>,
) -> Result<Option<DbError>, DbError> {
    let mut search = RefusedSearch::of(records);
    while let Some(trying) = search.next() {
        let part = RecordSelection::of(entity, trying.to_vec());
        match (tx.in_savepoint(attempt(tx, &part)).await?, trying) {
            (Ok(()), _) => search.passed(),
            (Err(refusal), [alone]) => {
                return Ok(Some(refusal.while_doing(&format!("{} {alone}", entity.name))));
            }
            (Err(_), _) => search.refused(),
        }
    }
    Ok(None)
}

/// Which records to try next, until a refused one is alone.
struct RefusedSearch<'r> {
    /// The records that may hold a refused one.
    left: &'r [String],
    /// Whether one of them is known to be refused.
    holds_one: bool,
}

impl<'r> RefusedSearch<'r> {
    fn of(records: &'r [String]) -> RefusedSearch<'r> {
        RefusedSearch { left: records, holds_one: false }
    }

    /// All records first; then each time the first half of those of which one is refused. None if none is.
    fn next(&self) -> Option<&'r [String]> {
        (!self.left.is_empty()).then(|| &self.left[..self.tried()])
    }

    fn tried(&self) -> usize {
        if self.holds_one { self.left.len().div_ceil(2) } else { self.left.len() }
    }

    /// None of those tried is refused.
    fn passed(&mut self) {
        self.left = &self.left[self.tried()..];
    }

    /// One of those tried is refused.
    fn refused(&mut self) {
        self.left = &self.left[..self.tried()];
        self.holds_one = true;
    }
}

#[cfg(test)]
mod tests;

/// Rows of users' tables that deletions in our tables would remove or change.
pub mod dependents {
    use super::*;
    use crate::db::Tx;

    /// Rows of a user's table that would be removed, or lose their reference, with rows of ours.
    #[derive(Debug)]
    pub struct Dependent {
        /// The user's table, with its schema.
        pub table: String,
        /// The foreign key.
        pub constraint: String,
        /// Our table.
        pub ours: &'static str,
        /// How many rows; none if our role may not read the table.
        pub rows: Option<i64>,
    }

    /// Foreign keys of users' tables by which removing the surplus rows of these parts would remove or change rows
    /// of theirs. A key that forbids the removal (RESTRICT) is not among them: the database refuses that itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(
        tx: &Tx<'_>,
        parts: &[RecordSelection],
        ours: &[&str],
    ) -> Result<Vec<Dependent>, DbError> {
        let keys = tx
            .query(include_str!("dependents.sql"), &[(&tx.schema(), Type::TEXT), (&ours, Type::TEXT_ARRAY)])
            .await?;
        let mut found = Vec::new();
        for key in &keys {
            let (ours, table, constraint): (&str, String, String) =
                (key.get("ours"), key.get("theirs"), key.get("name"));
            let (matches, may_look): (&str, bool) = (key.get("matches"), key.get("may_look"));
            for (part, of) in tables(parts).filter(|(_, of)| of.name == ours) {
                let rows = match may_look {
                    true => Some(rows_that_refer(tx, part, of, &table, matches).await?),
                    false => None,
                };
                if rows != Some(0) {
                    let constraint = constraint.clone();
                    found.push(Dependent { table: table.clone(), constraint, ours: of.name, rows });
                }
            }
        }
        Ok(found)
    }

    async fn rows_that_refer(
        tx: &Tx<'_>,
        part: &RecordSelection,
        of: &Table,
        table: &str,
        matches: &str,
    ) -> Result<i64, DbError> {
        let sql = difference::template(include_str!("dependent_rows.sql"), of)
            .with("dependent", table)
            .with("refers", matches)
            .fill();
        let rows = tx.query(&sql, &part.params()).await?;
        Ok(rows.first().map_or(0, |row| row.get(0)))
    }
}
