//! Deletes closed cases of the quarantine that are old.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Db, DbError, Param};
use crate::lease::Unfenced;
use crate::staging::removal::{self, Holders, Removed};

/// Most cases deleted in one transaction.
const AT_ONCE: i64 = 2_000;
/// A run may open one of them again meanwhile: it stays then.
const STILL_CLOSED: &str = " AND held.state IN ('released', 'reread', 'superseded', 'withdrawn')";

/// Deletes cases that were closed before `cutoff`, and returns what became of them. Dismissed ones stay: they keep
/// their record out.
///
/// Effects: one transaction for some thousand cases. It may run during a sync.
///
/// # Errors
/// Those of the database; what was deleted before stays deleted.
pub async fn forget_closed(db: &Db, cutoff: Timestamp) -> Result<Removed, DbError> {
    let mut removed = Removed::default();
    let mut position = (Timestamp::UNIX_EPOCH, Uuid::nil());
    loop {
        let params: [Param<'_>; 4] = [
            (&cutoff, Type::TIMESTAMPTZ),
            (&AT_ONCE, Type::INT8),
            (&position.0, Type::TIMESTAMPTZ),
            (&position.1, Type::UUID),
        ];
        let closed = db.query(include_str!("closed_cases.sql"), &params).await?;
        let ids: Vec<Uuid> = closed.iter().map(|row| row.get("staging_id")).collect();
        let Some(last) = closed.last() else { return Ok(removed) };
        // By position: whatever stays is not found again.
        position = (last.get("closed_at"), last.get("staging_id"));
        let mut parts = removal::parts(&ids);
        while let Some(part) = removed.next(&mut parts) {
            let forgotten = forget_some(db, part).await;
            removed.add_result(&mut parts, part, forgotten)?;
        }
    }
}

async fn forget_some(db: &Db, cases: &[Uuid]) -> Result<Removed, DbError> {
    let mut connection = db.connection().await?;
    let tx = Unfenced::OldRows.begin(&mut connection).await?;
    let holders = Holders::of(&tx, "sync_quarantine").await?;
    let removed = holders.remove_where(&tx, "staging_id", STILL_CLOSED, cases).await?;
    tx.commit().await?;
    Ok(removed)
}
