//! Gathers records into the next batch of a walk, and knows which ids are being staged.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use tokio::time::Instant;

use crate::entities::weight;
use crate::staging::versions::Received;

/// The hash of an id. Two records with one hash only wait for each other.
pub(super) type IdHash = u64;

/// The records of the next batch, and the ids of those that are being staged.
pub(super) struct BatchBuilder {
    batch_size: usize,
    records: Vec<(Received, IdHash)>,
    /// When the first of them came.
    since: Instant,
    /// The memory that reading them takes, in bytes.
    memory: usize,
    under_way: HashSet<IdHash>,
    hasher: RandomState,
}

impl BatchBuilder {
    /// Empty; a batch has at most `batch_size` records.
    pub(super) fn new(batch_size: usize) -> BatchBuilder {
        BatchBuilder {
            batch_size: batch_size.max(1),
            records: Vec::new(),
            since: Instant::now(),
            memory: 0,
            under_way: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// When the first of the gathered records came.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Whether a batch is full: it has enough records, or reading them takes enough memory.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= self.batch_size || self.memory >= weight::BATCH
    }

    /// Whether another version of the record is being staged.
    pub(super) fn is_under_way(&self, external_id: &str) -> bool {
        self.under_way.contains(&self.hasher.hash_one(external_id))
    }

    /// Adds a record to the next batch.
    pub(super) fn add(&mut self, record: Received) {
        if self.records.is_empty() {
            self.since = Instant::now();
        }
        self.memory += weight::memory(&record.raw);
        let id = self.hasher.hash_one(record.external_id.as_str());
        self.records.push((record, id));
    }

    /// Takes what has gathered, with the hashes of its ids: they are being staged until [`BatchBuilder::ended`].
    pub(super) fn take(&mut self) -> (Vec<Received>, Vec<IdHash>) {
        let (batch, ids): (Vec<Received>, Vec<IdHash>) =
            std::mem::take(&mut self.records).into_iter().unzip();
        self.memory = 0;
        self.under_way.extend(&ids);
        (batch, ids)
    }

    /// Notes that a batch with these ids is no longer being staged.
    pub(super) fn ended(&mut self, ids: &[IdHash]) {
        for id in ids {
            self.under_way.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn record(id: &str, length: usize) -> Received {
        Received {
            external_id: id.to_owned(),
            raw: format!(r#"{{"id":"{id}","notes":"{}"}}"#, "x".repeat(length)).into(),
            seen_at: Timestamp::UNIX_EPOCH,
            request: 1,
            fault: None,
        }
    }

    fn ids(batch: &[Received]) -> Vec<&str> {
        batch.iter().map(|record| record.external_id.as_str()).collect()
    }

    #[test]
    fn a_batch_is_full_by_its_records_or_by_the_memory_that_they_take() {
        let heavy = weight::BATCH / 2;
        // Records in a batch, the length of each, and after how many the batch is full.
        for (batch_size, length, full_after) in [(3, 0, 3), (1, 0, 1), (0, 0, 1), (1_000, heavy, 2)] {
            let mut gathering = BatchBuilder::new(batch_size);
            let mut added = 0;
            while !gathering.is_full() {
                gathering.add(record(&added.to_string(), length));
                added += 1;
            }
            assert_eq!(added, full_after, "{batch_size} {length}");
            gathering.take();
            assert!(gathering.is_empty() && !gathering.is_full(), "{batch_size} {length}");
        }
    }

    #[test]
    fn a_batch_keeps_the_order_in_which_its_records_came() {
        let mut gathering = BatchBuilder::new(10);
        // Versions of one record may be in one batch: staging takes them in order.
        ["b", "a", "b"].into_iter().for_each(|id| gathering.add(record(id, 0)));
        assert_eq!(ids(&gathering.take().0), ["b", "a", "b"]);
        assert!(ids(&gathering.take().0).is_empty());
    }

    #[test]
    fn a_record_is_under_way_from_when_its_batch_is_taken_until_it_has_ended() {
        let mut gathering = BatchBuilder::new(2);
        gathering.add(record("a", 0));
        assert!(!gathering.is_under_way("a"), "only gathered");
        let (_, first) = gathering.take();
        gathering.add(record("b", 0));
        let (_, second) = gathering.take();
        assert_eq!((gathering.is_under_way("a"), gathering.is_under_way("b")), (true, true));
        assert!(!gathering.is_under_way("c"));
        gathering.ended(&second);
        assert_eq!((gathering.is_under_way("a"), gathering.is_under_way("b")), (true, false));
        gathering.ended(&first);
        assert!(!gathering.is_under_way("a"));
    }
}
