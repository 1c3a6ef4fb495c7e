//! Collects the versions that could be neither reconciled nor quarantined: the database refuses their rows, and a user's
//! addition to staging or to `sync_quarantine` refuses to record the failure. They stay pending, and every run tries
//! them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::entities::Entity;

/// The records of such versions, by entity and id, with the reason.
#[derive(Debug, Default)]
pub struct LeftPending(Mutex<BTreeMap<&'static str, BTreeMap<String, String>>>);

impl LeftPending {
    /// Notes a record.
    pub(super) fn note(&self, entity: &Entity, id: &str, why: String) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.entry(entity.name).or_default().insert(id.to_owned(), why);
    }

    /// One sentence for each entity with such records.
    pub fn reasons(&self) -> Vec<String> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(entity, records): (&&str, &BTreeMap<String, String>)| {
            let (id, why) = records.first_key_value()?;
            Some(format!(
                "{entity}: {} record(s) could not be reconciled and not be put into quarantine either ({id}: {why}{}): they \
                 are staged and stay pending, all others were reconciled, and later runs try these again; what was added to \
                 our tables refuses them, `gazelle-sync doctor` lists it",
                records.len(),
                if records.len() > 1 { "; …" } else { "" },
            ))
        };
        left.iter().filter_map(of).collect()
    }
}
