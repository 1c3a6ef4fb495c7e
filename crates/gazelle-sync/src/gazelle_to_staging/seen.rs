//! The distinct ids that a walk saw.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use crate::staging::versions::Received;

/// Ids as 64-bit hashes: a million take some 8 MiB. Two ids of one hash can make a walk look incomplete, or
/// hide a deleted record until the next walk (every process hashes differently); they never delete one.
#[derive(Debug, Default)]
pub struct SeenIds {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl SeenIds {
    /// Notes the ids of these records.
    pub fn extend(&mut self, records: &[Received]) {
        self.hashes.extend(records.iter().map(|record| self.hasher.hash_one(record.external_id.as_str())));
    }

    /// Notes one id.
    pub fn add(&mut self, id: &str) {
        self.hashes.push(self.hasher.hash_one(id));
    }

    /// How many distinct ids were seen.
    pub fn count(&mut self) -> u64 {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.len() as u64
    }

    /// Whether an id was seen; right only after [`SeenIds::count`] put them in order.
    pub fn contains(&self, id: &str) -> bool {
        self.hashes.binary_search(&self.hasher.hash_one(id)).is_ok()
    }
}

impl crate::staging::deletions::Seen for SeenIds {
    fn saw(&self, id: &str) -> bool {
        self.contains(id)
    }
}
