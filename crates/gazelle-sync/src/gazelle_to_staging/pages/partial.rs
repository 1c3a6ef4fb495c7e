//! A page out of an answer that is not whole.

use serde_json::value::RawValue;

use super::failing::Failing;
use super::page::{Node, PageRead};
use super::reader::Reader;
use crate::gazelle_to_staging::records::faults::{bare, faulty_one};
use crate::gazelle_to_staging::records::receive::{receive, record_id};
use crate::source::{ListShape, NodeFault, Page, Partial, SourceError};
use crate::staging::versions::Received;

/// The ids that a list gives when it is asked for ids alone: asked for at most once, and only where a record needs it.
enum IdsBeside {
    NotAsked,
    /// None where the list has shifted since.
    Asked(Option<Vec<Option<String>>>),
}

impl Reader<'_> {
    /// The page out of an answer that is not whole, where that says which of its records are. The others wait for the end of
    /// the walk.
    ///
    /// Errors: those that any request would meet.
    pub(super) async fn in_part(
        &mut self,
        error: &SourceError,
        after: Option<&str>,
        asked: u32,
    ) -> Result<Option<PageRead>, SourceError> {
        let Some(partial) = error.partial() else { return Ok(None) };
        let Some((page, faults)) = partial.page(self.entity.walk.root, self.shape) else { return Ok(None) };
        let faulty = faults.iter().filter(|of_node| !of_node.is_empty()).count();
        if faulty == 0 {
            return Err(error.clone());
        }
        self.sizes.tally.failed_with(error);
        self.fails_mostly = faulty * 2 > page.nodes.len();
        let answer = partial.answer();
        let mut beside = IdsBeside::NotAsked;
        let mut nodes = Vec::with_capacity(page.nodes.len());
        for (index, (node, of_node)) in page.nodes.iter().zip(&faults).enumerate() {
            if of_node.is_empty() {
                self.faulty_in_a_row = 0;
                nodes.push(
                    node.map_or(Node::Null, |raw| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()))),
                );
                continue;
            }
            let is_named = !of_node.iter().any(|fault| fault.field == "id");
            let mut id = node.filter(|_| is_named).and_then(|raw| record_id(raw.get()));
            let mut is_nameless = self.shape == ListShape::Plain;
            if id.is_none() && self.shape == ListShape::Connection {
                let ids = self.beside(&mut beside, &page, after, asked).await?;
                is_nameless = ids.is_some();
                id = ids.and_then(|ids| ids.get(index).cloned().flatten());
            }
            nodes.push(self.failing_node(&partial, *node, id, &of_node[0], is_nameless));
        }
        let (has_next_page, end_cursor, total_count) =
            (page.has_next_page, page.end_cursor, page.total_count);
        let (answer, notes) = (answer.clone(), Vec::new());
        Ok(Some(PageRead { nodes, has_next_page, end_cursor, total_count, answer, notes }))
    }

    /// The ids of all records of the page, none where the list has shifted since.
    async fn beside<'i>(
        &self,
        beside: &'i mut IdsBeside,
        page: &Page<'_>,
        after: Option<&str>,
        asked: u32,
    ) -> Result<Option<&'i Vec<Option<String>>>, SourceError> {
        if matches!(beside, IdsBeside::NotAsked) {
            let known: Vec<Option<String>> =
                page.nodes.iter().map(|node| node.and_then(|raw| record_id(raw.get()))).collect();
            *beside = IdsBeside::Asked(self.ids_beside(&known, after, asked).await?);
        }
        Ok(match beside {
            IdsBeside::Asked(ids) => ids.as_ref(),
            IdsBeside::NotAsked => None,
        })
    }

    /// The entry of a record that the API fails at, as far as it is known.
    fn failing_node(
        &self,
        partial: &Partial<'_>,
        node: Option<&RawValue>,
        id: Option<String>,
        fault: &NodeFault,
        is_nameless: bool,
    ) -> Node {
        let answer = partial.answer();
        let seen_at = self.fetch.clock.at(answer.arrived);
        match (id, node) {
            (Some(id), node) => {
                let in_page = Received {
                    raw: node.map_or_else(|| bare(&id), |raw| partial.received(raw)),
                    external_id: id,
                    seen_at,
                    request: answer.number,
                    fault: None,
                };
                Node::Failing(Box::new(Failing::new(faulty_one(in_page, fault), true, 1)))
            }
            // It has bytes, and no id that could be read.
            (None, Some(raw)) => {
                let record = receive(answer, raw.get(), seen_at);
                let record = faulty_one(Received { raw: partial.received(raw), ..record }, fault);
                Node::Failing(Box::new(Failing::new(record, false, 1)))
            }
            (None, None) if is_nameless => Node::Nameless,
            (None, None) => Node::Null,
        }
    }
}
