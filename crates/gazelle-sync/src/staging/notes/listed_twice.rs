//! Stores the ids that a list of the API holds more than once: known ones need no second walk in the next run, and
//! are reported once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::lease::FencedTx;
use crate::staging::notes;

/// The known duplicates of an entity's list; without a note there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedTwice {
    /// In the list of the whole entity: ids that it holds and counts again, once for each repetition, sorted. Its
    /// count exceeds the number of its records by the length of this.
    pub whole: Vec<String>,
    /// The same for the list of a window, as it was walked last.
    pub days: Vec<String>,
    /// The ids that a run has reported.
    pub reported: BTreeSet<String>,
    /// Whether `whole` and `days` were found by walks whose pages ended at different records. Older notes do not
    /// tell: such a list may have repeated rows at the ends of its pages and skipped as many others.
    pub is_confirmed: bool,
}

/// The duplicates that a walk found.
#[derive(Debug, Clone, Copy)]
pub struct WalkDuplicates<'a> {
    /// Whether the walk covered the whole entity.
    pub is_whole: bool,
    /// Whether the walk was complete.
    pub is_complete: bool,
    /// The ids that the list holds and counts again, once for each repetition, sorted.
    pub counted: &'a [String],
    /// All ids that the list holds more than once.
    pub held: &'a BTreeSet<String>,
}

impl ListedTwice {
    /// The known duplicates after a walk. Only a complete walk removes any, and only one of the whole entity
    /// removes reported ids.
    pub fn after(&self, found: WalkDuplicates<'_>) -> ListedTwice {
        let mut now = self.clone();
        if found.is_complete {
            let counted = if found.is_whole { &mut now.whole } else { &mut now.days };
            *counted = found.counted.to_vec();
            now.is_confirmed = !(now.whole.is_empty() && now.days.is_empty());
        }
        if found.is_complete && found.is_whole {
            now.reported.clear();
        }
        now.reported.extend(found.held.iter().cloned());
        now
    }
}

fn key(entity: &Entity) -> String {
    format!("listed_twice:{}", entity.name)
}

/// A note that cannot be read counts as none.
fn of_note(noted: Option<String>) -> ListedTwice {
    noted.and_then(|noted| serde_json::from_str(&noted).ok()).unwrap_or_default()
}

/// The known duplicates of an entity's list, without unconfirmed ones.
///
/// # Errors
/// Those of the database.
pub async fn read(db: &Db, entity: &Entity) -> Result<ListedTwice, DbError> {
    let mut known = of_note(notes::read(db, &key(entity)).await?);
    if !known.is_confirmed {
        known.whole.clear();
        known.days.clear();
    }
    Ok(known)
}

/// The stored note, read within a transaction; unconfirmed duplicates included.
///
/// # Errors
/// Those of the database.
pub async fn in_transaction(tx: &Tx<'_>, entity: &Entity) -> Result<ListedTwice, DbError> {
    Ok(of_note(notes::read_in(tx, &key(entity)).await?))
}

/// Stores the known duplicates of an entity's list.
///
/// # Errors
/// Those of the database.
pub async fn note(tx: &FencedTx<'_>, entity: &Entity, listed: &ListedTwice) -> Result<(), DbError> {
    if *listed == ListedTwice::default() {
        return notes::remove(tx, &[key(entity)]).await.map(|_| ());
    }
    let value = serde_json::to_string(listed).unwrap_or_default();
    // Not checked: without it, the next run walks such a list twice.
    notes::store(tx, &key(entity), &value).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn only_a_complete_walk_says_that_something_is_over() {
        let told = |known: &ListedTwice| known.reported.iter().cloned().collect::<Vec<String>>();
        let (counted, held) = (ids(&["b"]), ids(&["a", "b"]).into_iter().collect());
        let none = BTreeSet::new();
        let found = WalkDuplicates { is_whole: true, is_complete: true, counted: &counted, held: &held };
        let known = ListedTwice::default().after(found);
        assert_eq!((&known.whole, told(&known)), (&counted, ids(&["a", "b"])));
        assert_eq!(known.after(found), known);
        let incomplete = WalkDuplicates { is_complete: false, counted: &[], held: &none, ..found };
        assert_eq!(known.after(incomplete), known);
        let days = WalkDuplicates { is_whole: false, counted: &[], held: &none, ..found };
        assert_eq!(known.after(days), known, "of other days");
        let over = WalkDuplicates { counted: &[], held: &none, ..found };
        assert_eq!(known.after(over), ListedTwice::default());
    }
}
