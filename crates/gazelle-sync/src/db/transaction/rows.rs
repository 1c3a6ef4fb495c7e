//! Checks that the times in returned rows can be read.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::db::error::DbError;

/// Checks the times of an answer. Postgres allows `infinity`, years that our calendar type lacks, and hour 24. We
/// never write them, but others who may write our tables can, and reading one with `Row::get` would panic.
///
/// # Errors
/// The first time that cannot be read, with the name of its column.
pub(in crate::db) fn readable(rows: Vec<Row>, template: &str) -> Result<Vec<Row>, DbError> {
    let Some(first) = rows.first() else { return Ok(rows) };
    let times: Vec<usize> = (0..first.len())
        .filter(|index| {
            let of = first.columns()[*index].type_();
            [Type::TIMESTAMPTZ, Type::TIMESTAMP, Type::DATE, Type::TIME].contains(of)
        })
        .collect();
    for row in &rows {
        for &index in &times {
            let column = &row.columns()[index];
            let is_readable = match *column.type_() {
                Type::TIMESTAMPTZ => row.try_get::<_, Option<Timestamp>>(index).is_ok(),
                Type::TIMESTAMP => row.try_get::<_, Option<DateTime>>(index).is_ok(),
                Type::DATE => row.try_get::<_, Option<Date>>(index).is_ok(),
                _ => row.try_get::<_, Option<Time>>(index).is_ok(),
            };
            if !is_readable {
                return Err(DbError::infrastructure(format!(
                    "the database holds a time that cannot be read (such as `infinity`, or a year beyond 9999) as {} in {}: \
                     somebody else wrote it; correct or delete that row, or in production run `gazelle-sync replay`",
                    column.name(),
                    DbError::headline(template)
                )));
            }
        }
    }
    Ok(rows)
}
