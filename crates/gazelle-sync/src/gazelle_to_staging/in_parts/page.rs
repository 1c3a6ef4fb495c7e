//! A page of a list of which the records are asked for in parts: the same page again for each part, matched by the ids.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::held::{self, Held};
use super::plan::PartPlan;
use super::{Gathered, fault, gather};
use crate::gazelle_to_staging::alone::{bare, faulty_one, id_of, is_about_all};
use crate::gazelle_to_staging::held_back::Failing;
use crate::gazelle_to_staging::nested::{self, NestedError};
use crate::gazelle_to_staging::parents::faulty_inside;
use crate::gazelle_to_staging::queries;
use crate::gazelle_to_staging::reader::{Node, PageRead, Reader, Tried};
use crate::gazelle_to_staging::receive::{receive_completed, record_id};
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
enum Made {
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
fn owned(page: PageRead, held: &Held) -> (PageRead, bool) {
    let is_bearable = held.takes(page.answer.body.len());
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

impl Reader<'_> {
    /// The page whole, of which the first part has come.
    pub(in super::super) async fn with_other_parts(
        &mut self,
        plan: &PartPlan,
        (first, is_whole): (PageRead, bool),
        after: Option<&str>,
        asked: u32,
        inner: Option<u32>,
        held: &Held,
    ) -> Result<Tried, SourceError> {
        let mut is_whole = is_whole;
        // No room for answers is taken while the next parts are asked for.
        let (first, mut is_bearable) = owned(first, held);
        let PageRead { answer, nodes, has_next_page, end_cursor, total_count, notes } = first;
        let mut of_parts: Vec<Vec<Node>> = vec![nodes];
        for part in &plan.parts[1..] {
            if !is_bearable {
                break;
            }
            let request =
                queries::page(self.entity, self.sizes, self.window, after, asked, inner, Some(part));
            let read = self.fetch.client.post(&request).await.and_then(|answer| self.whole(answer));
            let page = match read {
                Ok(page) => page,
                Err(error) if error.concerns_any_request() => return Err(error),
                Err(error) => match self.in_part(&error, after, asked).await? {
                    Some(page) => {
                        is_whole = false;
                        page
                    }
                    None => return Err(error),
                },
            };
            let (page, is_bearable_too) = owned(page, held);
            is_bearable = is_bearable_too;
            of_parts.push(page.nodes);
        }
        let length = of_parts[0].len();
        let page =
            |nodes| PageRead { answer: answer.clone(), nodes, has_next_page, end_cursor, total_count, notes };
        let too_large: Vec<Option<String>> = of_parts[0].iter().map(id_of).collect();
        let too_large = || -> Vec<Node> {
            let nodes = too_large.iter().map(|id| match id {
                Some(id) => self.unsettled(&answer, id, &fault("", held::too_large())),
                None => Node::Null,
            });
            nodes.collect()
        };
        if !is_bearable {
            return Ok(Tried::TooLarge(page(too_large())));
        }
        if of_parts.iter().any(|nodes| nodes.len() != length) {
            return Ok(Tried::Shifted(page((0..length).map(|_| Node::Null).collect())));
        }
        let mut of_parts: Vec<_> = of_parts.into_iter().map(Vec::into_iter).collect();
        let by_record: Vec<Parts> =
            (0..length).map(|_| matched(of_parts.iter_mut().filter_map(Iterator::next).collect())).collect();
        let reader = &*self;
        let mut has_changed = false;
        let nodes: Vec<Made> = stream::iter(by_record)
            .map(|parts| reader.put_together(plan, &answer, parts, held))
            .buffered(self.fetch.concurrency.max(1))
            .try_collect()
            .await?;
        if nodes.iter().any(|made| matches!(made, Made::TooLarge)) {
            return Ok(Tried::TooLarge(page(too_large())));
        }
        let nodes = nodes.into_iter().map(|made| {
            has_changed |= !matches!(made, Made::Node(_));
            match made {
                Made::Node(node) | Made::Changed(node) => node,
                Made::Shifted | Made::TooLarge => Node::Null,
            }
        });
        let page = page(nodes.collect());
        Ok(match is_whole {
            _ if has_changed => Tried::Shifted(page),
            true => Tried::Whole(page),
            false => Tried::InPart(page),
        })
    }

    /// A record of its parts.
    async fn put_together(
        &self,
        plan: &PartPlan,
        answer: &Answer,
        parts: Parts,
        held: &Held,
    ) -> Result<Made, SourceError> {
        let (given, failing) = match parts {
            Parts::There(given, failing) => (given, failing),
            Parts::Other(node) => return Ok(Made::Node(node)),
        };
        let id = given.first().and_then(|raw| record_id(raw));
        if given.iter().any(|raw| record_id(raw) != id) {
            return Ok(Made::Shifted);
        }
        let (client, sizes) = (&self.fetch.client, self.sizes);
        let seen_at = self.fetch.clock.at(answer.arrived);
        let received = |raw: String| receive_completed(answer, raw, seen_at);
        let fails = |record: Received| {
            let attempts = failing.as_ref().map_or(1, |failing| failing.attempts);
            Node::Failing(Box::new(Failing::new(record, id.is_some(), attempts)))
        };
        let changed = |fault: NodeFault| match &id {
            Some(id) => Made::Changed(self.unsettled(answer, id, &fault)),
            None => Made::Shifted,
        };
        let (raw, fault) = match gather(client, sizes, plan, id.as_deref(), given, None, held).await? {
            Gathered::TooLarge => return Ok(Made::TooLarge),
            Gathered::Changed(at) => return Ok(changed(at)),
            Gathered::Whole(raw) => (raw, None),
            Gathered::Faulty { raw, fault, error } => {
                error.iter().for_each(|error| self.sizes.tally.failed_with(error));
                (raw, Some(fault))
            }
        };
        let of_page = failing.as_ref().and_then(|failing| failing.record.fault.clone());
        if of_page.is_some() {
            return Ok(Made::Node(fails(Received { fault: of_page, ..received(raw) })));
        }
        if let Some(fault) = fault {
            return Ok(Made::Node(fails(faulty_one(received(raw), &fault))));
        }
        if !nested::may_overflow(&raw) {
            return Ok(Made::Node(Node::Received(Box::new(received(raw)))));
        }
        match nested::complete(client, self.entity, &raw, sizes).await {
            Ok(whole) => Ok(Made::Node(Node::Received(Box::new(received(whole))))),
            Err(NestedError::Source { error, .. }) if is_about_all(&error) => Err(error),
            Err(NestedError::Source { error, field }) => {
                self.sizes.tally.failed_with(&error);
                Ok(Made::Node(fails(faulty_inside(received(raw), &error, &field))))
            }
            Err(NestedError::Changed { field, said, .. }) => Ok(changed(super::fault(field, said))),
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
