//! A page as it was read, and its entries.

use bytes::Bytes;

use super::failing::FailingRecord;
use crate::gazelle_to_staging::records::faults::bare;
use crate::gazelle_to_staging::records::receive::{self, record_id};
use crate::source::Answer;
use crate::staging::versions::Received;

/// A page as it was read.
pub(crate) struct PageRead {
    /// The answer that held it, for its number and times.
    pub answer: Answer,
    pub nodes: Vec<Node>,
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
    pub total_count: Option<u64>,
    /// Messages about the page.
    pub notes: Vec<String>,
}

impl PageRead {
    /// The number of entries that the API failed to give.
    pub(super) fn failing(&self) -> u64 {
        let fails = |node: &&Node| matches!(node, Node::Failing(_) | Node::Nameless) || node.is_faulty();
        self.nodes.iter().filter(fails).count() as u64
    }

    /// Whether more than half of the entries are null. Two are never counted as most.
    pub(crate) fn is_mostly_null(&self) -> bool {
        let nulls = self.nodes.iter().filter(|node| matches!(node, Node::Null)).count();
        nulls > 2 && nulls * 2 > self.nodes.len()
    }
}

/// One entry of a page.
pub(crate) enum Node {
    /// The record as a slice of the page's answer.
    Whole(Bytes),
    /// A record with bytes of its own, possibly with a fault.
    Received(Box<Received>),
    /// The same, looked up by its id.
    LookedUp(Box<Received>),
    /// A record that the API failed at. It waits for the end of the walk.
    Failing(Box<FailingRecord>),
    /// A record that exists and keeps the version that staging has. Nothing is staged in this run.
    Kept {
        /// The record's id.
        external_id: String,
        /// Whether it would have been looked up by its id, had this run lookups left.
        awaits_lookup: bool,
    },
    /// Null, because the list changed or the API failed for the moment. Another attempt may find the record.
    Null,
    /// A record that the API cannot give, and whose id it does not give either.
    Nameless,
}

impl Node {
    /// Whether it is a record with a fault.
    pub(crate) fn is_faulty(&self) -> bool {
        matches!(self, Node::Received(record) | Node::LookedUp(record) if record.fault.is_some())
    }

    /// Whether it is a record in which a field is null or absent.
    pub(crate) fn lacks(&self, field: &str) -> bool {
        let raw = match self {
            Node::Whole(raw) => raw,
            Node::Received(record) | Node::LookedUp(record) => &record.raw,
            // Of a record of which only the id is known, its other fields are unknown.
            Node::Failing(failing) if failing.record.raw == bare(&failing.record.external_id) => {
                return false;
            }
            Node::Failing(failing) => &failing.record.raw,
            Node::Kept { .. } | Node::Null | Node::Nameless => return false,
        };
        std::str::from_utf8(raw).is_ok_and(|raw| receive::lacks(raw, field))
    }
}

pub(crate) fn id_of(node: &Node) -> Option<String> {
    let of_raw = |raw: &[u8]| record_id(std::str::from_utf8(raw).ok()?);
    match node {
        Node::Whole(raw) => of_raw(raw),
        Node::Received(record) | Node::LookedUp(record) => of_raw(&record.raw),
        Node::Failing(failing) => {
            let named = failing.can_be_looked_up.then(|| failing.record.external_id.clone());
            of_raw(&failing.record.raw).or(named)
        }
        Node::Kept { .. } | Node::Null | Node::Nameless => None,
    }
}

/// The result of requesting a page.
pub(crate) enum PageOutcome {
    /// Every record came.
    Whole(PageRead),
    /// Some records came, and the others are known to fail.
    Partial(PageRead),
    /// The list or a record changed between the requests for the parts. Entries that may be different records
    /// are null. Records that are the same but could not be merged have that fault.
    Shifted(PageRead),
    /// The parts exceed the budget. Each record has that fault, in case it is too large even alone.
    TooLarge(PageRead),
}
