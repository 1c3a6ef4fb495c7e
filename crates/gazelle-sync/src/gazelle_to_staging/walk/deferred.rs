//! Keeps the records that the API fails at until the end of their walk. Only then is it known whether the
//! records are at fault or the API: that depends on their share of the whole walk, not of one page, of which a
//! few neighbours can be most.

use std::collections::HashSet;

use bytes::Bytes;

use crate::entities::Entity;
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::pages::failing::FailingRecord;
use crate::gazelle_to_staging::pages::page::Node;
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::gazelle_to_staging::pages::reader::Reader;
use crate::gazelle_to_staging::pages::seen::SeenIds;
use crate::gazelle_to_staging::requests::window::Window;
use crate::source::SourceError;
use crate::staging::versions::Received;

/// The most bytes of failing records. Beyond it, none of them is staged, and the API is at fault.
pub(crate) const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The most bytes of failing records as they came. Of those beyond it, only their ids are kept, with what is said of
/// them.
const MOST_WHOLE: usize = MOST_BYTES / 4 * 3;

/// The failing records of a walk.
#[derive(Default)]
pub(crate) struct DeferredRecords {
    records: Vec<FailingRecord>,
    ids: HashSet<String>,
    bytes: usize,
    /// Whether records were left out because of their number.
    are_too_many: bool,
}

/// How the reading of the lists ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListsEnd {
    /// Every list was read to its end.
    Reached,
    /// The API failed at one of them.
    Failed,
    /// Any further request would fail.
    BrokenOff,
}

/// What was decided about failing records at the end of the walk.
pub(crate) enum DeferredOutcome {
    /// The records are at fault: the results of looking them up, and the API's error that stopped the lookups,
    /// if any.
    Records(QueuedPage, Option<SourceError>),
    /// The API is at fault, and none of the records is staged.
    ApiAtFault {
        /// The message for the report.
        said: String,
        /// The API's error, if it gave no record at all.
        failure: Option<SourceError>,
    },
}

impl DeferredRecords {
    /// Adds the failing records of a page, each id once.
    pub(crate) fn take(&mut self, failing: Vec<FailingRecord>) {
        for failing in failing {
            if !self.ids.insert(failing.record.external_id.clone()) {
                continue;
            }
            if self.bytes > MOST_BYTES {
                self.are_too_many = true;
                continue;
            }
            let failing = match self.bytes > MOST_WHOLE && failing.can_be_cut() {
                true => failing.cut(),
                false => {
                    // A copy, because a slice would keep the whole page in memory.
                    let raw = Bytes::copy_from_slice(&failing.record.raw);
                    FailingRecord { record: Received { raw, ..failing.record }, ..failing }
                }
            };
            self.bytes += failing.bytes();
            self.records.push(failing);
        }
    }

    /// Decides whether the API or the records are at fault. In the latter case, looks up those whose turn it is
    /// by their ids. Records that another page gave whole are left as staged. If the walk was broken off by an
    /// error that any request would meet, all are left for the next run. An error of the API that is not about a
    /// record stops the lookups; the results so far are kept, since these lookups are used up.
    pub(crate) async fn settle(
        self,
        fetch: &Fetch,
        entity: &'static Entity,
        seen: &mut SeenIds,
        end: ListsEnd,
    ) -> DeferredOutcome {
        let sizes = fetch.sizes.for_entity(entity);
        // Sorts the ids, which `contains` needs.
        seen.count();
        let waiting: Vec<FailingRecord> =
            self.records.into_iter().filter(|failing| !seen.contains(&failing.record.external_id)).collect();
        let mut looked_up = QueuedPage::default();
        if end == ListsEnd::BrokenOff {
            return DeferredOutcome::Records(looked_up, None);
        }
        if sizes.tally.blames_the_api() || self.are_too_many {
            self.ids.iter().for_each(|id| seen.add(id));
            let (said, failure) = sizes.tally.verdict(end == ListsEnd::Reached);
            let more = if self.are_too_many { "; they are more than a run keeps in memory" } else { "" };
            return DeferredOutcome::ApiAtFault { said: said + more, failure };
        }
        let window = Window::default();
        let mut reader = Reader::new(fetch, entity, &window);
        for failing in waiting {
            let node = match (failing.can_be_looked_up, failing.is_cut) {
                (true, _) => match reader.look_up(failing).await {
                    Ok(node) => node,
                    Err(error) => return DeferredOutcome::Records(looked_up, Some(error)),
                },
                // What came of it is not kept, and must not take the place of a version that staging has.
                (false, true) => {
                    let id = failing.record.external_id.clone();
                    reader.keep_or_stage_unasked(&id, failing.record).await
                }
                (false, false) => Node::Received(Box::new(failing.record)),
            };
            // Records that were looked up have complete lists already: no bytes are left to receive here.
            looked_up.take(node, sizes);
        }
        DeferredOutcome::Records(looked_up, None)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::gazelle_to_staging::records::faults::bare;
    use crate::staging::versions::source_fault::{SourceFault, SourceFaultKind};

    #[test]
    fn what_is_said_of_bare_records_fills_the_room_too() {
        let failing = |n: u32, said: String| {
            let fault = SourceFault { field: "notes".to_owned(), said, kind: SourceFaultKind::Incomplete };
            let record = Received {
                external_id: n.to_string(),
                raw: bare(&n.to_string()),
                seen_at: Timestamp::UNIX_EPOCH,
                request: 0,
                fault: Some(Box::new(fault)),
            };
            FailingRecord::new(record, true, 1)
        };
        let mut held = DeferredRecords::default();
        held.take((0..20_000).map(|n| failing(n, "a".repeat(4096))).collect());
        assert!(held.bytes > MOST_WHOLE && held.bytes < MOST_BYTES, "{}", held.bytes);
        assert_eq!((held.records.len(), held.are_too_many), (20_000, false));
        let whole = held.records.iter().filter(|failing| !failing.is_cut).count();
        assert!((5_000..6_000).contains(&whole), "{whole}");
        let mut nameless = failing(20_000, String::new());
        nameless.record.raw = Bytes::from_static(br#"{"start":"demain"}"#);
        held.take(vec![nameless]);
        let last = held.records.last().unwrap();
        assert!(!last.is_cut && last.record.raw.ends_with(b"\"demain\"}"), "its id would be made up");
        held.take((20_001..200_000).map(|n| failing(n, "a".repeat(4096))).collect());
        assert!(held.are_too_many && held.bytes < MOST_BYTES + 8192, "{}", held.bytes);

        let mut held = DeferredRecords::default();
        held.take((0..20_000).map(|n| failing(n, String::new())).collect());
        assert!(
            held.bytes >= 20_000 * crate::gazelle_to_staging::pages::failing::RECORD_OVERHEAD
                && held.records.len() == 20_000,
            "{}",
            held.bytes
        );
    }
}
