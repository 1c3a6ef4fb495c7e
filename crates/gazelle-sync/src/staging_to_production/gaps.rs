//! What a run could not read or note, for its report: shared by its walks and stage 2.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

use super::unread::Unread;
use crate::entities::Entity;

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
    /// Notes a record: which of its warnings, and what keeps them out.
    pub(super) fn note(&self, entity: &Entity, id: &str, why: String) {
        let mut unnoted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let records = unnoted.entry(entity.name).or_default();
        match records.named.len() < MOST_NAMED || records.named.contains_key(id) {
            true => drop(records.named.insert(id.to_owned(), why)),
            false => records.has_more = true,
        }
    }

    /// One sentence for each entity with such records.
    pub fn reasons(&self) -> Vec<String> {
        let unnoted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(entity, records): (&&str, &UnnotedRecords)| {
            let UnnotedRecords { named, has_more } = records;
            let said: Vec<String> = named.iter().map(|(id, why)| format!("{id}: {why}")).collect();
            format!(
                "{entity}: the warnings of {}{} record(s) could not be noted ({}): the records are in production, and the next \
                 runs note their warnings; what was added to our tables keeps them out, `gazelle-sync doctor` lists it",
                if *has_more { "more than " } else { "" },
                named.len(),
                said.join("; ")
            )
        };
        unnoted.iter().map(of).collect()
    }
}
