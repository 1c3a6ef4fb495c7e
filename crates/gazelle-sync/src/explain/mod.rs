//! Explains a record's history, and where a value in production came from. Only reads.
//!
//! [`find`] finds the record of an id, `source` the runs and requests that fetched its versions, `diff` compares
//! two versions, and [`history`] lists them. `column` traces one value: [`inside`] finds the JSON that its row was
//! made from, `value` compares it with what the reconciler computes, `times` follows an instant from the record's
//! text to the local time, and `earlier` computes the value in all versions. [`case`] collects what a person needs
//! to understand a quarantine case.

pub mod case;
pub mod column;
pub mod diff;
mod earlier;
mod filled_by;
pub mod find;
pub mod history;
pub mod inside;
pub mod source;
pub mod times;
mod value;

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::db::{Connection, DbError, Tx};
use crate::time;

/// An instant, in UTC and in the zone of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// UTC.
    pub utc: Timestamp,
    /// The same, to the second, with the zone's abbreviation.
    pub local: String,
}

impl Moment {
    /// An instant as it reads in a zone.
    pub fn of(utc: Timestamp, zone: &TimeZone) -> Moment {
        Moment { utc, local: time::show_exact(utc, zone) }
    }

    /// Both in one line, for display.
    pub fn text(&self) -> String {
        format!("{} ({})", time::show_exact(self.utc, &TimeZone::UTC), self.local)
    }
}

/// Begins a snapshot for everything that an explanation reads, with times in UTC. Dropping it ends it.
///
/// # Errors
/// Those of the database.
pub async fn begin(connection: &mut Connection) -> Result<Tx<'_>, DbError> {
    let tx = connection.begin_snapshot().await?;
    tx.batch("SET LOCAL TimeZone = 'UTC'").await?;
    Ok(tx)
}
