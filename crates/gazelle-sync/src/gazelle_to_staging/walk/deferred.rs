//! Records that the API fails at wait for the end of their walk. Only then is it known whether it is records that are at fault, or
//! the API itself: that is told by the share of all that was walked, not of one page, where a few neighbours are most.

use std::collections::HashSet;

use bytes::Bytes;

use crate::entities::Entity;
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::pages::failing::Failing;
use crate::gazelle_to_staging::pages::page::Node;
use crate::gazelle_to_staging::pages::queue::QueuedPage;
use crate::gazelle_to_staging::pages::reader::Reader;
use crate::gazelle_to_staging::pages::seen::SeenIds;
use crate::gazelle_to_staging::requests::window::Window;
use crate::source::SourceError;
use crate::staging::versions::Received;

/// Bytes of failing records that wait. As many records as fill them are the API's fault, whatever their share.
pub(crate) const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The failing records of a walk.
#[derive(Default)]
pub(crate) struct DeferredRecords {
    records: Vec<Failing>,
    ids: HashSet<String>,
    bytes: usize,
}

/// What they came to at its end.
pub(crate) enum DeferredOutcome {
    /// Each for itself: what came of asking for them, and the error that ended the asking, if one did.
    Records(QueuedPage, Option<SourceError>),
    /// It is the API's fault, and nothing is staged of them.
    Api {
        /// What is to be told of it.
        said: String,
        /// The API's error, where it gave no record whole.
        failure: Option<SourceError>,
    },
}

impl DeferredRecords {
    /// Takes the failing records of a page, each once.
    pub(crate) fn take(&mut self, failing: Vec<Failing>) {
        for Failing { record, is_named, attempts, may_have_gone } in failing {
            if !self.ids.insert(record.external_id.clone()) || self.bytes > MOST_BYTES {
                continue;
            }
            // Bytes of its own: it would hold its whole page in memory.
            let raw = Bytes::copy_from_slice(&record.raw);
            let failing = Failing { record: Received { raw, ..record }, is_named, attempts, may_have_gone };
            self.bytes += failing.bytes();
            self.records.push(failing);
        }
    }

    /// Decides whose fault it is. Where it is the records', each that has its turn is asked for by its id. What came whole in
    /// another page stays as it came. Of a walk that `breaks_off`, since no request would fare better, they are left for the
    /// next one. An error of the API that is about no record ends the asking: what came before it is kept, since it has had its
    /// turn.
    pub(crate) async fn settle(
        self,
        fetch: &Fetch,
        entity: &'static Entity,
        seen: &mut SeenIds,
        breaks_off: bool,
    ) -> DeferredOutcome {
        let sizes = fetch.sizes.of(entity);
        // Puts them in order.
        seen.count();
        let waiting: Vec<Failing> =
            self.records.into_iter().filter(|failing| !seen.contains(&failing.record.external_id)).collect();
        let mut looked_up = QueuedPage::default();
        if breaks_off {
            return DeferredOutcome::Records(looked_up, None);
        }
        if sizes.tally.blames_the_api() || self.bytes > MOST_BYTES {
            self.ids.iter().for_each(|id| seen.add(id));
            let (said, failure) = sizes.tally.told();
            return DeferredOutcome::Api { said, failure };
        }
        let window = Window::default();
        let mut reader = Reader::new(fetch, entity, &window);
        for failing in waiting {
            let node = match failing.is_named {
                true => match reader.ask_alone(failing).await {
                    Ok(node) => node,
                    Err(error) => return DeferredOutcome::Records(looked_up, Some(error)),
                },
                false => Node::Received(Box::new(failing.record)),
            };
            // What is asked for alone is completed on the way.
            looked_up.take(node, sizes);
        }
        DeferredOutcome::Records(looked_up, None)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::staging::source_fault::{SourceFault, SourceFaultKind};

    #[test]
    fn what_is_said_of_bare_records_fills_the_room_too() {
        let failing = |n: u32, said: String| {
            let fault = SourceFault { field: "notes".to_owned(), said, kind: SourceFaultKind::Incomplete };
            let record = Received {
                external_id: n.to_string(),
                raw: Bytes::from_static(b"{}"),
                seen_at: Timestamp::UNIX_EPOCH,
                request: 0,
                fault: Some(Box::new(fault)),
            };
            Failing::new(record, true, 1)
        };
        let mut held = DeferredRecords::default();
        held.take((0..20_000).map(|n| failing(n, "a".repeat(4096))).collect());
        assert!(held.bytes > MOST_BYTES && held.bytes < MOST_BYTES + 8192, "{}", held.bytes);
        assert!(held.records.len() < 8_000, "{}", held.records.len());

        let mut held = DeferredRecords::default();
        held.take((0..20_000).map(|n| failing(n, String::new())).collect());
        assert!(
            held.bytes >= 20_000 * crate::gazelle_to_staging::pages::failing::EACH
                && held.records.len() == 20_000,
            "{}",
            held.bytes
        );
    }
}
