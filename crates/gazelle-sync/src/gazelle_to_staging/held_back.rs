//! Records that the API fails at wait for the end of their walk. Only then is it known whether it is records that are at fault, or
//! the API itself: that is told by the share of all that was walked, not of one page, where a few neighbours are most.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Fetch;
use super::plan::Window;
use super::reader::{Node, Reader};
use super::seen::SeenIds;
use super::window::Arrived;
use crate::entities::Entity;
use crate::source::{ErrorClass, SourceError};
use crate::staging::versions::Received;

/// As few failing records as this are never the API's fault as such.
const FEW: u64 = 2;
/// Bytes of failing records that wait. As many records as fill them are the API's fault, whatever their share.
pub(super) const MOST_BYTES: usize = 32 * 1024 * 1024;
/// What each takes besides its texts.
const EACH: usize = 256;

/// A record that its list could not give whole.
pub(super) struct Failing {
    /// What came of it, with its fault.
    pub(super) record: Received,
    /// Whether it is to be asked for by its id: that is known, and its getter was not asked before.
    pub(super) is_named: bool,
    /// How often it is then asked for.
    pub(super) attempts: u32,
    /// Whether its page had it whole, but for the rest of a list inside it: if its getter denies it, it may have been deleted
    /// since, which another walk tells.
    pub(super) may_have_gone: bool,
}

impl Failing {
    /// One that its page did not have whole.
    pub(super) fn new(record: Received, is_named: bool, attempts: u32) -> Failing {
        Failing { record, is_named, attempts, may_have_gone: false }
    }

    /// What it takes in memory: of a bare record its fault may be the larger part.
    fn bytes(&self) -> usize {
        let said = self.record.fault.as_ref().map_or(0, |fault| fault.field.len() + fault.said.len());
        self.record.raw.len() + self.record.external_id.len() + said + EACH
    }
}

/// What the windows of a walk have met so far.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    walked: u64,
    failing: u64,
    first: Option<SourceError>,
}

impl Tally {
    /// A walk begins.
    pub(super) fn begin(&self) {
        *self.met() = Met::default();
    }

    /// Counts the entries of a page.
    pub(super) fn note(&self, nodes: &[Node]) {
        let fails = |node: &&Node| matches!(node, Node::Failing(_) | Node::Nameless) || node.is_faulty();
        let mut met = self.met();
        met.walked += nodes.len() as u64;
        met.failing += nodes.iter().filter(fails).count() as u64;
    }

    /// Counts a record, noted with its page as whole, of which a list inside then could not be read.
    pub(super) fn note_failing(&self) {
        self.met().failing += 1;
    }

    /// With what the API failed at records.
    pub(super) fn failed_with(&self, error: &SourceError) {
        self.met().first.get_or_insert_with(|| error.clone().without_answer());
    }

    /// Whether it fails at more records than not, so that none of them is to blame.
    pub(super) fn blames_the_api(&self) -> bool {
        self.met().blames_the_api()
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Met {
    fn blames_the_api(&self) -> bool {
        self.failing > FEW && self.failing * 2 > self.walked
    }
}

/// The failing records of a walk.
#[derive(Default)]
pub(super) struct HeldBack {
    records: Vec<Failing>,
    ids: HashSet<String>,
    bytes: usize,
}

/// What they came to at its end.
pub(super) enum Settled {
    /// Each for itself: what came of asking for them.
    Records(Arrived),
    /// It is the API's fault, and nothing is staged of them.
    Api {
        /// What is to be told of it.
        said: String,
        /// The API's error, where it gave no record whole.
        failure: Option<SourceError>,
    },
}

impl HeldBack {
    /// Takes the failing records of a page, each once.
    pub(super) fn take(&mut self, failing: Vec<Failing>) {
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
    /// next one.
    ///
    /// Errors: the API's that are about no record.
    pub(super) async fn settle(
        self,
        fetch: &Fetch,
        entity: &'static Entity,
        seen: &mut SeenIds,
        breaks_off: bool,
    ) -> Result<Settled, SourceError> {
        let sizes = fetch.sizes.of(entity);
        // Puts them in order.
        seen.count();
        let waiting: Vec<Failing> =
            self.records.into_iter().filter(|failing| !seen.contains(&failing.record.external_id)).collect();
        let mut arrived = Arrived::default();
        if breaks_off {
            return Ok(Settled::Records(arrived));
        }
        if sizes.tally.blames_the_api() || self.bytes > MOST_BYTES {
            self.ids.iter().for_each(|id| seen.add(id));
            return Ok(told(&sizes.tally));
        }
        let window = Window::default();
        let mut reader = Reader::new(fetch, entity, &window);
        for failing in waiting {
            let node = match failing.is_named {
                true => reader.ask_alone(failing).await?,
                false => Node::Received(Box::new(failing.record)),
            };
            // What is asked for alone is completed on the way.
            arrived.take(node, sizes);
        }
        Ok(Settled::Records(arrived))
    }
}

fn told(tally: &Tally) -> Settled {
    let met = tally.met();
    let at = match met.first.as_ref().map(SourceError::class) {
        Some(ErrorClass::PartialData { paths }) => paths.first().map(|path| format!(", such as {path}")),
        _ => None,
    };
    let said = format!(
        "the API fails at {} of {} records{}: that is its own fault and no record's; all others were read",
        met.failing,
        met.walked,
        at.unwrap_or_default()
    );
    Settled::Api { said, failure: met.first.clone().filter(|_| met.failing >= met.walked) }
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
        let mut held = HeldBack::default();
        held.take((0..20_000).map(|n| failing(n, "a".repeat(4096))).collect());
        assert!(held.bytes > MOST_BYTES && held.bytes < MOST_BYTES + 8192, "{}", held.bytes);
        assert!(held.records.len() < 8_000, "{}", held.records.len());

        let mut held = HeldBack::default();
        held.take((0..20_000).map(|n| failing(n, String::new())).collect());
        assert!(held.bytes >= 20_000 * EACH && held.records.len() == 20_000, "{}", held.bytes);
    }

    #[test]
    fn whose_fault_it_is_depends_on_the_share_of_all_that_was_walked() {
        for (walked, failing, is_api) in
            [(1, 1, false), (2, 2, false), (3, 3, true), (40, 20, false), (40, 21, true), (4_010, 100, false)]
        {
            let met = Met { walked, failing, first: None };
            assert_eq!(met.blames_the_api(), is_api, "{failing} of {walked}");
        }
    }
}
