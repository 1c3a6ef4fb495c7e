//! Counts the records of an entity in staging and production, to see whether they agree.

use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::staging::for_entity;

/// The records of an entity, counted by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Rows of production that are not marked deleted.
    pub in_production: u64,
    /// Those of them that come from no version in staging.
    pub surplus: u64,
    /// Records without a row, whose newest version is faulty.
    pub quarantined: u64,
    /// Records without a row, whose newest version is pending.
    pub pending: u64,
    /// Records without a row although their newest version is processed: there should be none.
    pub lost: u64,
}

impl Balance {
    /// Records that exist according to staging: rows without the surplus, and quarantined, pending and lost
    /// records.
    pub fn in_staging(&self) -> u64 {
        self.in_production.saturating_sub(self.surplus) + self.quarantined + self.pending + self.lost
    }
}

/// Counts an entity's records in staging and production.
///
/// # Errors
/// Those of the database.
pub async fn of(db: &Db, entity: &Entity) -> Result<Balance, DbError> {
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let balance = in_transaction(&tx, entity).await?;
    tx.commit().await?;
    Ok(balance)
}

/// The same as [`of`], within a transaction.
///
/// # Errors
/// Those of the database.
pub async fn in_transaction(tx: &Tx<'_>, entity: &Entity) -> Result<Balance, DbError> {
    let rows = tx.query(&for_entity(include_str!("balance.sql"), entity), &[]).await?;
    let row = rows.first().ok_or_else(|| DbError::infrastructure("the database counted nothing"))?;
    let count = |column: &str| row.get::<_, i64>(column) as u64;
    Ok(Balance {
        in_production: count("in_production"),
        surplus: count("surplus"),
        quarantined: count("quarantined"),
        pending: count("pending"),
        lost: count("lost"),
    })
}
