//! Missing parents that quarantined records wait for: which to ask Gazelle for, and when to ask again.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;

use crate::db::{Db, DbError, Param};
use crate::lease::FencedTx;

/// The wait after the first look-up in vain; it doubles with each further one.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// The longest wait between two look-ups.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A parent that quarantined records wait for, and one of those records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingParent {
    /// The production table that lacks it.
    pub table: String,
    /// Its id.
    pub external_id: String,
    /// The entity of a record that waits for it.
    pub child_entity: String,
    /// The id of that record.
    pub child_external_id: String,
    /// How often it was asked for in vain.
    pub asks: i32,
}

/// The missing parents that are due to be asked for, each once, `limit` of them at most; those never asked for come
/// first.
///
/// # Errors
/// Those of the database.
pub async fn wanted(db: &Db, now: Timestamp, limit: usize) -> Result<Vec<MissingParent>, DbError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        db.query(include_str!("wanted.sql"), &[(&now, Type::TIMESTAMPTZ), (&limit, Type::INT8)]).await?;
    Ok(rows
        .iter()
        .map(|row| MissingParent {
            table: row.get("waits_for"),
            external_id: row.get("waits_for_id"),
            child_entity: row.get("entity"),
            child_external_id: row.get("external_id"),
            asks: row.get("asks"),
        })
        .collect())
}

/// Notes parents that were asked for in vain, and those that were `put_off`, which come after those never asked for
/// and before all others; deletes the notes of parents that no record waits for any more.
///
/// # Errors
/// Those of the database.
pub async fn note(
    tx: &FencedTx<'_>,
    missing: &[MissingParent],
    put_off: &[MissingParent],
    at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(include_str!("settle.sql"), &[]).await?;
    if missing.is_empty() && put_off.is_empty() {
        return Ok(());
    }
    let both = || missing.iter().chain(put_off);
    let tables: Vec<&str> = both().map(|wanted| wanted.table.as_str()).collect();
    let ids: Vec<&str> = both().map(|wanted| wanted.external_id.as_str()).collect();
    let asked = missing.iter().map(|wanted| wanted.asks.saturating_add(1));
    // A parent that was put off is due at once.
    let (asks, next): (Vec<i32>, Vec<Timestamp>) = asked
        .map(|asks| (asks, next_ask(at, asks)))
        .chain(put_off.iter().map(|wanted| (wanted.asks, at)))
        .unzip();
    tx.query(
        include_str!("note.sql"),
        &[
            (&tables, Type::TEXT_ARRAY),
            (&ids, Type::TEXT_ARRAY),
            (&asks, Type::INT4_ARRAY),
            (&at, Type::TIMESTAMPTZ),
            (&next, Type::TIMESTAMPTZ_ARRAY),
        ],
    )
    .await?;
    Ok(())
}

/// Of these parents, those that records still wait for, although the API gave them: production refuses them.
///
/// # Errors
/// Those of the database.
pub async fn still_waited_for(db: &Db, found: &[MissingParent]) -> Result<Vec<MissingParent>, DbError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let tables: Vec<&str> = found.iter().map(|parent| parent.table.as_str()).collect();
    let ids: Vec<&str> = found.iter().map(|parent| parent.external_id.as_str()).collect();
    let params: [Param<'_>; 2] = [(&tables, Type::TEXT_ARRAY), (&ids, Type::TEXT_ARRAY)];
    let rows = db.query(include_str!("still_waited_for.sql"), &params).await?;
    let waited_for: HashSet<(&str, &str)> =
        rows.iter().map(|row| (row.get("parent_table"), row.get("external_id"))).collect();
    let is_waited_for =
        |parent: &&MissingParent| waited_for.contains(&(parent.table.as_str(), parent.external_id.as_str()));
    Ok(found.iter().filter(is_waited_for).cloned().collect())
}

/// Makes all missing parents due at once.
///
/// # Errors
/// Those of the database.
pub async fn ask_again(tx: &FencedTx<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM {schema}.sync_missing_parents", &[]).await.map(|_| ())
}

/// When to ask again after this many look-ups in vain.
fn next_ask(at: Timestamp, asks: i32) -> Timestamp {
    let doublings = u32::try_from(asks.saturating_sub(1)).unwrap_or_default().min(20);
    let wait = FIRST_WAIT.checked_mul(1 << doublings).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
    at.saturating_add(wait).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_in_vain_doubles_the_wait_up_to_a_week() {
        let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let minutes = |asks| next_ask(at, asks).duration_since(at).as_mins();
        assert_eq!([1, 2, 3, 4].map(minutes), [15, 30, 60, 120]);
        assert_eq!([20, i32::MAX].map(minutes), [7 * 24 * 60, 7 * 24 * 60]);
    }
}
