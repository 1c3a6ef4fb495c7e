//! Collects the changes to versions and notes that the database refuses, because of what a user added to staging or to the
//! bookkeeping. Every run tries these again.
//!
//! - Versions that could be neither reconciled nor quarantined: their rows are refused, and the note of the failure too.
//!   They stay pending.
//! - Versions that could not be made pending again, or whose note could not be removed. They stay as they are.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entities::Entity;
use crate::staging::outcome::again::KeptRecords;

/// The records of such versions.
#[derive(Debug, Default)]
pub struct LeftPending(Mutex<LeftRecords>);

/// By entity and id, with the reason.
type Records = BTreeMap<&'static str, BTreeMap<String, String>>;

#[derive(Debug, Default)]
struct LeftRecords {
    pending: Records,
    kept: Records,
}

impl LeftPending {
    /// Notes a record that could be neither reconciled nor quarantined.
    pub(super) fn note(&self, entity: &Entity, id: &str, why: String) {
        self.left().pending.entry(entity.name).or_default().insert(id.to_owned(), why);
    }

    /// Notes records of which a version could not be made pending again, or a note not be removed.
    pub fn note_kept(&self, entity: &Entity, kept: KeptRecords) {
        if !kept.is_empty() {
            self.left().kept.entry(entity.name).or_default().extend(kept);
        }
    }

    /// Whether an entity has such records.
    pub fn has_kept(&self, entity: &Entity) -> bool {
        self.left().kept.contains_key(entity.name)
    }

    /// One sentence for each entity with such records, of either kind.
    pub fn reasons(&self) -> Vec<String> {
        let left = self.left();
        let pending = left.pending.iter().filter_map(|(entity, records)| {
            Some(format!(
                "{entity}: {} record(s) could not be reconciled and not be put into quarantine either ({}): they \
                 are staged and stay pending, all others were reconciled, and later runs try these again; what was added to \
                 our tables refuses them, `gazelle-sync doctor` lists it",
                records.len(),
                named(records, 1)?,
            ))
        });
        let kept = left.kept.iter().filter_map(|(entity, records)| {
            Some(format!(
                "{entity}: the database refused changes to the versions or notes of {} record(s) ({}): these stay as they \
                 are, all others were reconciled, and later runs try these again; what was added to our tables refuses them, \
                 `gazelle-sync doctor` lists it",
                records.len(),
                named(records, MOST_NAMED)?,
            ))
        });
        pending.chain(kept).collect()
    }

    fn left(&self) -> MutexGuard<'_, LeftRecords> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Most of these records that a message names.
const MOST_NAMED: usize = 5;

/// The first records with their reasons; none if there is no record.
fn named(records: &BTreeMap<String, String>, most: usize) -> Option<String> {
    let mut named: Vec<String> = records.iter().take(most).map(|(id, why)| format!("{id}: {why}")).collect();
    named.extend((records.len() > most).then(|| "…".to_owned()));
    (!records.is_empty()).then(|| named.join("; "))
}
