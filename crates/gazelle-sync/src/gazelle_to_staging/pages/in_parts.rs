//! Reads a page whose records are requested in parts: the same page once per part, matched by the ids of its
//! records.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::reader::Reader;
use crate::gazelle_to_staging::pages::failing::FailingRecord;
use crate::gazelle_to_staging::pages::page::{Node, PageOutcome, PageRead, id_of};
use crate::gazelle_to_staging::records::budget::{self, PartsBudget};
use crate::gazelle_to_staging::records::faults::{bare, concerns_all_records, with_fault, with_list_fault};
use crate::gazelle_to_staging::records::gather::{Gathered, PartsRequest, fault};
use crate::gazelle_to_staging::records::nested::{self, NestedError};
use crate::gazelle_to_staging::records::receive::{receive_completed, record_id};
use crate::gazelle_to_staging::requests::parts::PartPlan;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::window::PagePosition;
use crate::source::{Answer, NodeFault, SourceError};
use crate::staging::versions::Received;

/// What the parts of a page gave of one record.
enum MatchedParts {
    /// The JSON from each part, and the first failing entry, if the API failed at the record in a part.
    Given(Vec<String>, Option<Box<FailingRecord>>),
    /// A part gave no JSON for the record, so that nothing can be merged.
    Unusable(Node),
}

/// The result of merging the parts of one record.
enum PartsOutcome {
    Node(Node),
    /// The parts disagree, as if the record had changed between the requests: the record with this fault, in
    /// case it does so again when the page is requested again.
    Changed(Node),
    /// The parts are of different records.
    Shifted,
    /// The parts exceed the budget that they share with the other records of the page.
    TooLarge,
}

/// Copies the records out of the answer, so that it can be dropped. Also returns whether they are within the
/// budget.
fn copied(page: PageRead, budget: &PartsBudget) -> (PageRead, bool) {
    let is_within_budget = budget.take(page.answer.body.len());
    let own = |raw: &Bytes| match is_within_budget {
        true => Bytes::copy_from_slice(raw),
        // Over the budget, only the ids are needed.
        false => std::str::from_utf8(raw).ok().and_then(record_id).map_or_else(Bytes::new, |id| bare(&id)),
    };
    let nodes = page.nodes.into_iter().map(|node| match node {
        Node::Whole(raw) => Node::Whole(own(&raw)),
        Node::Failing(failing) => {
            let raw = own(&failing.record.raw);
            let record = Received { raw, ..failing.record };
            Node::Failing(Box::new(FailingRecord { record, ..*failing }))
        }
        node => node,
    });
    (PageRead { nodes: nodes.collect(), answer: page.answer.without_body(), ..page }, is_within_budget)
}

/// The parts of a page.
struct PageParts {
    /// The entries of each part.
    of_parts: Vec<Vec<Node>>,
    /// The page of the first part, without its entries.
    head: PageRead,
    /// Whether no part had a failing record.
    is_whole: bool,
    /// Whether the parts are within the budget.
    is_within_budget: bool,
}

impl Reader<'_> {
    /// Requests the other parts of a page whose first part is `first`, and merges them.
    pub(super) async fn with_other_parts(
        &mut self,
        plan: &PartPlan,
        first: (PageRead, bool),
        place: PagePosition<'_>,
        inner: Option<u32>,
        budget: &PartsBudget,
    ) -> Result<PageOutcome, SourceError> {
        let PageParts { of_parts, head, is_whole, is_within_budget } =
            self.other_parts(plan, first, place, inner, budget).await?;
        let length = of_parts[0].len();
        let answer = head.answer.clone();
        let page = |nodes| PageRead { nodes, ..head };
        let ids: Vec<Option<String>> = of_parts[0].iter().map(id_of).collect();
        if !is_within_budget {
            return Ok(PageOutcome::TooLarge(page(self.too_large(&answer, &ids))));
        }
        if of_parts.iter().any(|nodes| nodes.len() != length) {
            return Ok(PageOutcome::Shifted(page((0..length).map(|_| Node::Null).collect())));
        }
        let mut of_parts: Vec<_> = of_parts.into_iter().map(Vec::into_iter).collect();
        let by_record: Vec<MatchedParts> = (0..length)
            .map(|_| match_parts(of_parts.iter_mut().filter_map(Iterator::next).collect()))
            .collect();
        let reader = &*self;
        let assembled: Vec<PartsOutcome> = stream::iter(by_record)
            .map(|parts| reader.assemble(plan, &answer, parts, budget))
            .buffered(self.fetch.limits.concurrency.max(1))
            .try_collect()
            .await?;
        if assembled.iter().any(|assembled| matches!(assembled, PartsOutcome::TooLarge)) {
            return Ok(PageOutcome::TooLarge(page(self.too_large(&answer, &ids))));
        }
        let has_changed = assembled.iter().any(|assembled| !matches!(assembled, PartsOutcome::Node(_)));
        let nodes = assembled.into_iter().map(|assembled| match assembled {
            PartsOutcome::Node(node) | PartsOutcome::Changed(node) => node,
            PartsOutcome::Shifted | PartsOutcome::TooLarge => Node::Null,
        });
        let page = page(nodes.collect());
        Ok(match is_whole {
            _ if has_changed => PageOutcome::Shifted(page),
            true => PageOutcome::Whole(page),
            false => PageOutcome::Partial(page),
        })
    }

    /// Requests the other parts of a page, until they exceed the budget.
    async fn other_parts(
        &mut self,
        plan: &PartPlan,
        (first, is_whole): (PageRead, bool),
        place: PagePosition<'_>,
        inner: Option<u32>,
        budget: &PartsBudget,
    ) -> Result<PageParts, SourceError> {
        let mut is_whole = is_whole;
        // The records are copied, so that the answer takes no memory while the next part waits for its own.
        let (mut head, mut is_within_budget) = copied(first, budget);
        let mut of_parts: Vec<Vec<Node>> = vec![std::mem::take(&mut head.nodes)];
        for part in &plan.parts[1..] {
            if !is_within_budget {
                break;
            }
            let request = queries::page(self.entity, self.sizes, place, inner, Some(part));
            let read = self.fetch.api.client.post(&request).await.and_then(|answer| self.parse_page(answer));
            let page = match read {
                Ok(page) => page,
                Err(error) if error.concerns_any_request() => return Err(error),
                Err(error) => match self.partial_page(&error, place.after, place.first).await? {
                    Some(page) => {
                        is_whole = false;
                        page
                    }
                    None => return Err(error),
                },
            };
            let (page, is_still_within_budget) = copied(page, budget);
            is_within_budget = is_still_within_budget;
            of_parts.push(page.nodes);
        }
        Ok(PageParts { of_parts, head, is_whole, is_within_budget })
    }

    /// The entries of a page whose parts are too large, each with that fault, in case it is too large even alone.
    fn too_large(&self, answer: &Answer, ids: &[Option<String>]) -> Vec<Node> {
        let nodes = ids.iter().map(|id| match id {
            Some(id) => self.unresolved(answer, id, &fault("", budget::too_large())),
            None => Node::Null,
        });
        nodes.collect()
    }

    /// Merges the parts of one record.
    async fn assemble(
        &self,
        plan: &PartPlan,
        answer: &Answer,
        parts: MatchedParts,
        budget: &PartsBudget,
    ) -> Result<PartsOutcome, SourceError> {
        let (given, failing) = match parts {
            MatchedParts::Given(given, failing) => (given, failing),
            MatchedParts::Unusable(node) => return Ok(PartsOutcome::Node(node)),
        };
        let id = given.first().and_then(|raw| record_id(raw));
        if given.iter().any(|raw| record_id(raw) != id) {
            return Ok(PartsOutcome::Shifted);
        }
        let (client, sizes) = (&self.fetch.api.client, self.sizes);
        let seen_at = self.fetch.run.clock.at(answer.arrived);
        let received = |raw: String| receive_completed(answer, raw, seen_at);
        let fails = |record: Received| {
            let attempts = failing.as_ref().map_or(1, |failing| failing.attempts);
            Node::Failing(Box::new(FailingRecord::new(record, id.is_some(), attempts)))
        };
        let changed = |fault: NodeFault| match &id {
            Some(id) => PartsOutcome::Changed(self.unresolved(answer, id, &fault)),
            None => PartsOutcome::Shifted,
        };
        let gathering = PartsRequest { client, sizes, budget };
        let (raw, of_record) = match gathering.record(plan, id.as_deref(), given, None).await? {
            Gathered::TooLarge => return Ok(PartsOutcome::TooLarge),
            Gathered::Changed(at) => return Ok(changed(at)),
            Gathered::Whole(raw) => (raw, None),
            Gathered::Faulty { raw, fault, error } => {
                error.iter().for_each(|error| self.sizes.tally.note_error(error));
                (raw, Some(fault))
            }
        };
        let of_page = failing.as_ref().and_then(|failing| failing.record.fault.clone());
        if of_page.is_some() {
            return Ok(PartsOutcome::Node(fails(Received { fault: of_page, ..received(raw) })));
        }
        if let Some(fault) = of_record {
            return Ok(PartsOutcome::Node(fails(with_fault(received(raw), &fault))));
        }
        if !nested::may_overflow(&raw) {
            return Ok(PartsOutcome::Node(Node::Received(Box::new(received(raw)))));
        }
        match nested::complete(client, self.entity, &raw, sizes).await {
            Ok(whole) => {
                self.sizes.tally.count_list(None);
                Ok(PartsOutcome::Node(Node::Received(Box::new(received(whole)))))
            }
            Err(NestedError::Source { error, .. }) if concerns_all_records(&error) => Err(error),
            Err(NestedError::Source { error, field }) => {
                self.sizes.tally.count_list(Some(&error));
                Ok(PartsOutcome::Node(fails(with_list_fault(received(raw), &error, &field))))
            }
            Err(NestedError::Changed { field, said, .. }) => Ok(changed(fault(field, said))),
        }
    }

    /// A record whose parts could not be merged. A lookup by id would not help.
    fn unresolved(&self, answer: &Answer, id: &str, fault: &NodeFault) -> Node {
        let record = with_fault(self.bare_record(answer, id, String::new()), fault);
        Node::Failing(Box::new(FailingRecord::new(record, false, 1)))
    }
}

/// Collects what the parts gave of one record. If a part is not valid UTF-8, the record is looked up by its id
/// at the end of the walk.
fn match_parts(nodes: Vec<Node>) -> MatchedParts {
    let (mut given, mut failing) = (Vec::new(), None);
    for node in nodes {
        let raw = match &node {
            Node::Whole(raw) => String::from_utf8(raw.to_vec()).ok(),
            Node::Failing(failing) if failing.can_be_looked_up => {
                String::from_utf8(failing.record.raw.to_vec()).ok()
            }
            _ => None,
        };
        match (raw, node) {
            (Some(raw), Node::Failing(of_part)) => {
                given.push(raw);
                failing.get_or_insert(of_part);
            }
            (Some(raw), _) => given.push(raw),
            (None, node) => return MatchedParts::Unusable(node),
        }
    }
    MatchedParts::Given(given, failing)
}
