//! What became of a record, and where a value in production came from. Reads only.
//!
//! [`find`] finds the record behind an id, `source` names the runs and requests that brought its versions, `diff`
//! compares two versions, [`history`] puts them in a row. `column` traces one value: [`inside`] finds the JSON that
//! gave its row, `value` compares it with what the reconciler makes of it, `times` follows an instant from the
//! record's text to the local hour, `earlier` asks the same of all versions. [`case`] gathers what a person needs to
//! understand a record in quarantine.

pub mod case;
pub mod column;
pub mod diff;
mod earlier;
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

    /// Both in one line.
    pub fn text(&self) -> String {
        format!("{} ({})", time::show_exact(self.utc, &TimeZone::UTC), self.local)
    }
}

/// One view of the database for all that an explanation reads; instants come in UTC. Dropping it ends it.
pub async fn begin(connection: &mut Connection) -> Result<Tx<'_>, DbError> {
    let tx = connection.begin_snapshot().await?;
    tx.batch("SET LOCAL TimeZone = 'UTC'").await?;
    Ok(tx)
}
