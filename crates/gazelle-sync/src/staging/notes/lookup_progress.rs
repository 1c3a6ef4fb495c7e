//! Where to go on with asking by id for unlisted records, if one run does not ask for all of them: the record asked
//! for last, and what the guard for deletions must know of the runs since this round began at the first record.

use serde::{Deserialize, Serialize};

use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::{notes, written};

/// The progress of asking for unlisted records by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LookupProgress {
    /// The record asked for last; none if all were asked for.
    pub last: Option<String>,
    /// How many were deleted since the round began at the first record: the guard counts them with what is found
    /// next.
    pub deleted: u64,
    /// How many have not been asked for in this round yet.
    pub waiting: u64,
}

impl LookupProgress {
    /// Parses a note. Older versions stored the id alone.
    fn read(note: &str) -> LookupProgress {
        serde_json::from_str(note)
            .unwrap_or_else(|_| LookupProgress { last: Some(note.to_owned()), ..LookupProgress::default() })
    }
}

/// Full syncs and walks of a window leave out different records: each has its own progress.
fn key(entity: &Entity, is_full: bool) -> String {
    format!("absent_asked:{}:{}", entity.name, if is_full { "whole" } else { "days" })
}

/// Reads the progress for an entity.
///
/// # Errors
/// Those of the database.
pub async fn of(db: &Db, entity: &Entity, is_full: bool) -> Result<LookupProgress, DbError> {
    let noted = notes::read(db, &key(entity, is_full)).await?;
    Ok(noted.map(|noted| LookupProgress::read(&noted)).unwrap_or_default())
}

/// How many records that the last complete walk of a full sync did not list are still to be asked for.
///
/// # Errors
/// Those of the database.
pub async fn waiting(tx: &Tx<'_>, entity: &Entity) -> Result<u64, DbError> {
    let noted = notes::read_in(tx, &key(entity, true)).await?;
    Ok(noted.map_or(0, |noted| LookupProgress::read(&noted).waiting))
}

/// Stores the progress for an entity.
///
/// # Errors
/// Those of the database.
pub async fn note(
    tx: &FencedTx<'_>,
    entity: &Entity,
    is_full: bool,
    progress: &LookupProgress,
) -> Result<(), DbError> {
    let value = serde_json::json!(progress).to_string();
    let is_noted = notes::store(tx, &key(entity, is_full), &value).await?;
    // Without it, the guard would not count what this round has deleted.
    written::check(tx, "sync_notes", usize::from(!is_noted), "noted").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_before_that_is_an_id_alone_is_read() {
        for id in ["cli_1", "17", "null", "true", "\"quoted\""] {
            assert_eq!(
                LookupProgress::read(id),
                LookupProgress { last: Some(id.to_owned()), ..LookupProgress::default() }
            );
        }
        let progress = LookupProgress { last: Some("cli_1".to_owned()), deleted: 3, waiting: 5 };
        assert_eq!(LookupProgress::read(&serde_json::json!(progress).to_string()), progress);
    }
}
