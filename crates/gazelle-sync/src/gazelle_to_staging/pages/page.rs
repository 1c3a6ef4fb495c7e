//! A page that was read, and its entries.

use bytes::Bytes;

use super::failing::Failing;
use crate::gazelle_to_staging::records::faults::bare;
use crate::gazelle_to_staging::records::receive::{self, record_id};
use crate::source::Answer;
use crate::staging::versions::Received;

/// A page that was read.
pub(crate) struct PageRead {
    /// The answer that brought it: its number and times.
    pub answer: Answer,
    pub nodes: Vec<Node>,
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
    pub total_count: Option<u64>,
    /// What is to be told of it, each a sentence.
    pub notes: Vec<String>,
}

impl PageRead {
    /// How many of its entries the API fails at.
    pub(super) fn failing(&self) -> u64 {
        let fails = |node: &&Node| matches!(node, Node::Failing(_) | Node::Nameless) || node.is_faulty();
        self.nodes.iter().filter(fails).count() as u64
    }

    /// Whether more of its records came as null than not; two are never many.
    pub(crate) fn is_mostly_null(&self) -> bool {
        let nulls = self.nodes.iter().filter(|node| matches!(node, Node::Null)).count();
        nulls > 2 && nulls * 2 > self.nodes.len()
    }
}

/// One entry of a page.
pub(crate) enum Node {
    /// A record of the page's own answer.
    Whole(Bytes),
    /// A record that came in another way, or what came of it with its fault.
    Received(Box<Received>),
    /// The same of one that was asked for by its id.
    Asked(Box<Received>),
    /// What came of a record that the API fails at, until the end of the walk.
    Failing(Box<Failing>),
    /// A record that is there, and of which nothing is staged in this run: a version of it is held.
    Kept {
        /// Its id.
        external_id: String,
        /// Whether it could have been asked for by its id, in another run.
        is_unasked: bool,
    },
    /// The API gave null, and another walk may find what is there.
    Null,
    /// A record that the API cannot give, and of which it does not tell the id either.
    Nameless,
}

impl Node {
    /// Whether it is a record with a fault of the API.
    pub(crate) fn is_faulty(&self) -> bool {
        matches!(self, Node::Received(record) | Node::Asked(record) if record.fault.is_some())
    }

    /// Whether it is a record without anything in a field.
    pub(crate) fn lacks(&self, field: &str) -> bool {
        let raw = match self {
            Node::Whole(raw) => raw,
            Node::Received(record) | Node::Asked(record) => &record.raw,
            // Of a record of which nothing came it is not known.
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
        Node::Received(record) | Node::Asked(record) => of_raw(&record.raw),
        Node::Failing(failing) => {
            let named = failing.is_named.then(|| failing.record.external_id.clone());
            of_raw(&failing.record.raw).or(named)
        }
        Node::Kept { .. } | Node::Null | Node::Nameless => None,
    }
}

/// What came of asking for a page.
pub(crate) enum PageOutcome {
    /// All of it.
    Whole(PageRead),
    /// What is whole of it, and what is not.
    InPart(PageRead),
    /// Its parts are of different moments, since the list or a record has changed between them: null in place of each record
    /// that may be another one, and what is wrong with each that is the same and still does not come together.
    Shifted(PageRead),
    /// Its parts hold more than they may: what is wrong with each of its records, should it be the only one.
    TooLarge(PageRead),
}
