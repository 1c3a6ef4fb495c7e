//! What a run could not read or note, for its report: shared by its walks and stage 2.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

use super::unread::Unread;
use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::staging::notes::unnoted::{self, RemainingNotes};

/// What a run could not read or note.
#[derive(Debug, Default)]
pub struct Gaps {
    /// The entities that this run cannot read whole.
    pub unread: Unread,
    /// The records whose warnings could not be noted.
    pub unnoted: Unnoted,
}

/// The run that applies a batch.
pub(super) struct Applying<'r> {
    /// The run's id, noted with faults and warnings.
    pub(super) run_id: Uuid,
    /// Dates the outcome.
    pub(super) at: Timestamp,
    /// What the run could not read or note.
    pub(super) gaps: &'r Gaps,
}

/// Most records that are kept of an entity, for the message.
const MOST_NAMED: usize = 5;

/// Records that are in production, and of which the database keeps warnings from being noted or removed.
#[derive(Debug, Default)]
pub struct Unnoted(Mutex<BTreeMap<&'static str, UnnotedRecords>>);

#[derive(Debug, Default)]
struct UnnotedRecords {
    /// Which and why; no more than are named.
    named: BTreeMap<String, String>,
    /// Whether there are more.
    has_more: bool,
}

impl Unnoted {
    /// Notes a record: which of its warnings, and why they are refused.
    pub(super) fn note(&self, entity: &Entity, id: &str, why: String) {
        let mut unnoted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let records = unnoted.entry(entity.name).or_default();
        match records.named.len() < MOST_NAMED || records.named.contains_key(id) {
            true => drop(records.named.insert(id.to_owned(), why)),
            false => records.has_more = true,
        }
    }

    /// One sentence for each of these entities with such records, also of earlier runs.
    ///
    /// # Errors
    /// The database's.
    pub async fn reasons(&self, db: &Db, entities: &[&'static Entity]) -> Result<Vec<String>, DbError> {
        let mut reasons = Vec::new();
        for entity in entities {
            let remaining = unnoted::remaining(db, entity, MOST_NAMED as i32).await?;
            reasons.extend(self.reason(entity, remaining));
        }
        Ok(reasons)
    }

    /// The sentence about the records of an entity; none if there are none.
    fn reason(&self, entity: &Entity, remaining: Option<RemainingNotes>) -> Option<String> {
        let unnoted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (named, count, or_kept) = match (unnoted.get(entity.name), remaining) {
            (Some(UnnotedRecords { named, has_more }), _) => {
                let said =
                    named.iter().map(|(id, why)| format!("{id}: {why}")).collect::<Vec<_>>().join("; ");
                (said, format!("{}{}", if *has_more { "more than " } else { "" }, named.len()), "")
            }
            // Of earlier runs: this one could not reconcile them again, or could not remove the notes that say so.
            (None, Some(RemainingNotes { records, named })) => {
                let more = if records > named.len() as u64 { ", …" } else { "" };
                let or_kept = ", or the notes that say so not be removed";
                (format!("{}{more}", named.join(", ")), records.to_string(), or_kept)
            }
            (None, None) => return None,
        };
        Some(format!(
            "{}: the warnings of {count} record(s) could not be noted{or_kept} ({named}): the records are in production, and the \
             next runs note their warnings; what was added to our tables refuses them, `gazelle-sync doctor` lists it",
            entity.name
        ))
    }
}
