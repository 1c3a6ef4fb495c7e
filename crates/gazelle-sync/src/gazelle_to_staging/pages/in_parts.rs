//! A page of a list of which the records are asked for in parts: the same page again for each part, matched by the ids.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::reader::Reader;
use crate::gazelle_to_staging::pages::failing::Failing;
use crate::gazelle_to_staging::pages::page::{Node, PageOutcome, PageRead, id_of};
use crate::gazelle_to_staging::records::budget::{self, PartsBudget};
use crate::gazelle_to_staging::records::faults::{bare, faulty_inside, faulty_one, is_about_all};
use crate::gazelle_to_staging::records::gather::{Gathered, Gathering, fault};
use crate::gazelle_to_staging::records::nested::{self, NestedError};
use crate::gazelle_to_staging::records::receive::{receive_completed, record_id};
use crate::gazelle_to_staging::requests::parts::PartPlan;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::window::PagePlace;
use crate::source::{Answer, NodeFault, SourceError};
use crate::staging::versions::Received;

/// What the parts of one page gave of a record.
enum Parts {
    /// What each gave, with the record as that one knows it which failed.
    There(Vec<String>, Option<Box<Failing>>),
    /// Nothing can be put together.
    Other(Node),
}

/// What came of the parts of a record.
enum PartsOutcome {
    Node(Node),
    /// They are of different moments, or so it seems: the record with what is wrong, should it be the same when the page is
    /// asked for again.
    Changed(Node),
    /// They are of different records.
    Shifted,
    /// They hold more than they may, with those of the other records.
    TooLarge,
}

/// The page with bytes of its own, and whether they are not too many.
fn owned(page: PageRead, budget: &PartsBudget) -> (PageRead, bool) {
    let is_bearable = budget.takes(page.answer.body.len());
    let own = |raw: &Bytes| match is_bearable {
        true => Bytes::copy_from_slice(raw),
        // Only their ids are needed now.
        false => std::str::from_utf8(raw).ok().and_then(record_id).map_or_else(Bytes::new, |id| bare(&id)),
    };
    let nodes = page.nodes.into_iter().map(|node| match node {
        Node::Whole(raw) => Node::Whole(own(&raw)),
        Node::Failing(failing) => {
            let raw = own(&failing.record.raw);
            let record = Received { raw, ..failing.record };
            Node::Failing(Box::new(Failing { record, ..*failing }))
        }
        node => node,
    });
    (PageRead { nodes: nodes.collect(), answer: page.answer.without_body(), ..page }, is_bearable)
}

/// The parts of a page.
struct PageParts {
    /// The entries of each part.
    of_parts: Vec<Vec<Node>>,
    /// The page of the first part, without its entries.
    head: PageRead,
    /// Whether every part came whole.
    is_whole: bool,
    /// Whether they are within the budget.
    is_bearable: bool,
}

impl Reader<'_> {
    /// The page whole, of which the first part has come.
    pub(super) async fn with_other_parts(
        &mut self,
        plan: &PartPlan,
        first: (PageRead, bool),
        place: PagePlace<'_>,
        inner: Option<u32>,
        budget: &PartsBudget,
    ) -> Result<PageOutcome, SourceError> {
        let PageParts { of_parts, head, is_whole, is_bearable } =
            self.other_parts(plan, first, place, inner, budget).await?;
        let length = of_parts[0].len();
        let answer = head.answer.clone();
        let page = |nodes| PageRead { nodes, ..head };
        let ids: Vec<Option<String>> = of_parts[0].iter().map(id_of).collect();
        if !is_bearable {
            return Ok(PageOutcome::TooLarge(page(self.too_large(&answer, &ids))));
        }
        if of_parts.iter().any(|nodes| nodes.len() != length) {
            return Ok(PageOutcome::Shifted(page((0..length).map(|_| Node::Null).collect())));
        }
        let mut of_parts: Vec<_> = of_parts.into_iter().map(Vec::into_iter).collect();
        let by_record: Vec<Parts> =
            (0..length).map(|_| matched(of_parts.iter_mut().filter_map(Iterator::next).collect())).collect();
        let reader = &*self;
        let made: Vec<PartsOutcome> = stream::iter(by_record)
            .map(|parts| reader.put_together(plan, &answer, parts, budget))
            .buffered(self.fetch.concurrency.max(1))
            .try_collect()
            .await?;
        if made.iter().any(|made| matches!(made, PartsOutcome::TooLarge)) {
            return Ok(PageOutcome::TooLarge(page(self.too_large(&answer, &ids))));
        }
        let has_changed = made.iter().any(|made| !matches!(made, PartsOutcome::Node(_)));
        let nodes = made.into_iter().map(|made| match made {
            PartsOutcome::Node(node) | PartsOutcome::Changed(node) => node,
            PartsOutcome::Shifted | PartsOutcome::TooLarge => Node::Null,
        });
        let page = page(nodes.collect());
        Ok(match is_whole {
            _ if has_changed => PageOutcome::Shifted(page),
            true => PageOutcome::Whole(page),
            false => PageOutcome::InPart(page),
        })
    }

    /// Asks for the other parts of a page, until they are more than the budget allows.
    async fn other_parts(
        &mut self,
        plan: &PartPlan,
        (first, is_whole): (PageRead, bool),
        place: PagePlace<'_>,
        inner: Option<u32>,
        budget: &PartsBudget,
    ) -> Result<PageParts, SourceError> {
        let mut is_whole = is_whole;
        // No room for answers is taken while the next parts are asked for.
        let (mut head, mut is_bearable) = owned(first, budget);
        let mut of_parts: Vec<Vec<Node>> = vec![std::mem::take(&mut head.nodes)];
        for part in &plan.parts[1..] {
            if !is_bearable {
                break;
            }
            let request = queries::page(self.entity, self.sizes, place, inner, Some(part));
            let read = self.fetch.client.post(&request).await.and_then(|answer| self.whole(answer));
            let page = match read {
                Ok(page) => page,
                Err(error) if error.concerns_any_request() => return Err(error),
                Err(error) => match self.in_part(&error, place.after, place.first).await? {
                    Some(page) => {
                        is_whole = false;
                        page
                    }
                    None => return Err(error),
                },
            };
            let (page, is_bearable_too) = owned(page, budget);
            is_bearable = is_bearable_too;
            of_parts.push(page.nodes);
        }
        Ok(PageParts { of_parts, head, is_whole, is_bearable })
    }

    /// The entries of a page whose parts are too large, each with that fault, should it be so even alone.
    fn too_large(&self, answer: &Answer, ids: &[Option<String>]) -> Vec<Node> {
        let nodes = ids.iter().map(|id| match id {
            Some(id) => self.unsettled(answer, id, &fault("", budget::too_large())),
            None => Node::Null,
        });
        nodes.collect()
    }

    /// A record of its parts.
    async fn put_together(
        &self,
        plan: &PartPlan,
        answer: &Answer,
        parts: Parts,
        budget: &PartsBudget,
    ) -> Result<PartsOutcome, SourceError> {
        let (given, failing) = match parts {
            Parts::There(given, failing) => (given, failing),
            Parts::Other(node) => return Ok(PartsOutcome::Node(node)),
        };
        let id = given.first().and_then(|raw| record_id(raw));
        if given.iter().any(|raw| record_id(raw) != id) {
            return Ok(PartsOutcome::Shifted);
        }
        let (client, sizes) = (&self.fetch.client, self.sizes);
        let seen_at = self.fetch.clock.at(answer.arrived);
        let received = |raw: String| receive_completed(answer, raw, seen_at);
        let fails = |record: Received| {
            let attempts = failing.as_ref().map_or(1, |failing| failing.attempts);
            Node::Failing(Box::new(Failing::new(record, id.is_some(), attempts)))
        };
        let changed = |fault: NodeFault| match &id {
            Some(id) => PartsOutcome::Changed(self.unsettled(answer, id, &fault)),
            None => PartsOutcome::Shifted,
        };
        let gathering = Gathering { client, sizes, budget };
        let (raw, of_record) = match gathering.record(plan, id.as_deref(), given, None).await? {
            Gathered::TooLarge => return Ok(PartsOutcome::TooLarge),
            Gathered::Changed(at) => return Ok(changed(at)),
            Gathered::Whole(raw) => (raw, None),
            Gathered::Faulty { raw, fault, error } => {
                error.iter().for_each(|error| self.sizes.tally.failed_with(error));
                (raw, Some(fault))
            }
        };
        let of_page = failing.as_ref().and_then(|failing| failing.record.fault.clone());
        if of_page.is_some() {
            return Ok(PartsOutcome::Node(fails(Received { fault: of_page, ..received(raw) })));
        }
        if let Some(fault) = of_record {
            return Ok(PartsOutcome::Node(fails(faulty_one(received(raw), &fault))));
        }
        if !nested::may_overflow(&raw) {
            return Ok(PartsOutcome::Node(Node::Received(Box::new(received(raw)))));
        }
        match nested::complete(client, self.entity, &raw, sizes).await {
            Ok(whole) => Ok(PartsOutcome::Node(Node::Received(Box::new(received(whole))))),
            Err(NestedError::Source { error, .. }) if is_about_all(&error) => Err(error),
            Err(NestedError::Source { error, field }) => {
                self.sizes.tally.failed_with(&error);
                Ok(PartsOutcome::Node(fails(faulty_inside(received(raw), &error, &field))))
            }
            Err(NestedError::Changed { field, said, .. }) => Ok(changed(fault(field, said))),
        }
    }

    /// A record that does not come together, and that it helps nothing to ask for again.
    fn unsettled(&self, answer: &Answer, id: &str, fault: &NodeFault) -> Node {
        let record = faulty_one(self.bare(answer, id, String::new()), fault);
        Node::Failing(Box::new(Failing::new(record, false, 1)))
    }
}

/// What the parts gave of one record. What is no text has lost some bytes, and is asked for by its id in the end.
fn matched(nodes: Vec<Node>) -> Parts {
    let (mut given, mut failing) = (Vec::new(), None);
    for node in nodes {
        let raw = match &node {
            Node::Whole(raw) => String::from_utf8(raw.to_vec()).ok(),
            Node::Failing(failing) if failing.is_named => String::from_utf8(failing.record.raw.to_vec()).ok(),
            _ => None,
        };
        match (raw, node) {
            (Some(raw), Node::Failing(of_part)) => {
                given.push(raw);
                failing.get_or_insert(of_part);
            }
            (Some(raw), _) => given.push(raw),
            (None, node) => return Parts::Other(node),
        }
    }
    Parts::There(given, failing)
}
