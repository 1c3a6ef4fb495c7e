//! What of our tables calls a function or an operator of somebody's that is called like one of the server's.
//!
//! Our migrations name the server's functions without a schema. Since decision 0069 only the server's own are found; what a
//! program before it has created may be bound to one that somebody had put first on the search path, and then runs with the
//! rights of whoever writes or reads, whatever the search path says now (docs/decisions/0094).

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::migrations::relation_names;

/// Refuses tables and views of ours of which something calls such a function.
///
/// # Errors
/// That something does: the message says what, whose it is and what mends it. Those of the database.
pub async fn check(db: &Db) -> Result<(), DbError> {
    refusal(db).await?.map_or(Ok(()), |why| Err(DbError::infrastructure(why)))
}

/// Why [`check`] refuses, if it does.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db) -> Result<Option<String>, DbError> {
    let params = [(&db.schema() as _, Type::TEXT), (&relation_names() as _, Type::TEXT_ARRAY)];
    let rows = db.query(include_str!("bound.sql"), &params).await?;
    Ok(rows.first().map(|row| told(row, rows.len())))
}

fn told(row: &Row, of: usize) -> String {
    let (what, called, maker, cure): (&str, &str, &str, &str) =
        (row.get(1), row.get(2), row.get(3), row.get(4));
    let more = if of > 1 { format!(" ({} more of the kind)", of - 1) } else { String::new() };
    format!(
        "{what} calls {called} of {maker}, which is called like one of the server's{more}: an earlier gazelle-sync \
         took it for that, and it runs with the rights of whoever uses the table, so nothing of the tables was read or \
         written. Look what it does (psql: \\df+), take CREATE on its schema from {maker}, make a backup, and have the work \
         done by the server's own: {cure}"
    )
}
