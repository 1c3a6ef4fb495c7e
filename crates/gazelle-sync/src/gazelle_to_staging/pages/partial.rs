//! Reads a page from an answer in which some records failed.

use serde_json::value::RawValue;

use super::failing::FailingRecord;
use super::page::{Node, PageRead};
use super::reader::Reader;
use crate::gazelle_to_staging::records::faults::{bare, with_fault};
use crate::gazelle_to_staging::records::receive::{receive, record_id};
use crate::source::{ListShape, NodeFault, Page, Partial, SourceError};
use crate::staging::versions::Received;

/// The ids of a page, requested without other fields: at most once, and only if a record's id is needed.
enum PageIds {
    NotAsked,
    /// None if the list has changed meanwhile.
    Asked(Option<Vec<Option<String>>>),
}

impl Reader<'_> {
    /// Reads a page from an answer with errors, if these name the records that fail. Those wait for the end of
    /// the walk. Returns none if the errors do not name records.
    ///
    /// # Errors
    /// Those that any request would meet.
    pub(super) async fn partial_page(
        &mut self,
        error: &SourceError,
        after: Option<&str>,
        page_length: u32,
    ) -> Result<Option<PageRead>, SourceError> {
        let Some(partial) = error.partial() else { return Ok(None) };
        let Some((page, faults)) = partial.page(self.entity.walk.root, self.shape) else { return Ok(None) };
        let faulty = faults.iter().filter(|of_node| !of_node.is_empty()).count();
        if faulty == 0 {
            return Err(error.clone());
        }
        self.sizes.tally.note_error(error);
        self.failed_mostly = faulty * 2 > page.nodes.len();
        let answer = partial.answer();
        let mut page_ids = PageIds::NotAsked;
        let mut nodes = Vec::with_capacity(page.nodes.len());
        for (index, (node, of_node)) in page.nodes.iter().zip(&faults).enumerate() {
            if of_node.is_empty() {
                self.faulty_in_a_row = 0;
                self.gives_others = None;
                nodes.push(
                    node.map_or(Node::Null, |raw| Node::Whole(answer.body.slice_ref(raw.get().as_bytes()))),
                );
                continue;
            }
            let is_named = !of_node.iter().any(|fault| fault.field == "id");
            let mut id = node.filter(|_| is_named).and_then(|raw| record_id(raw.get()));
            let mut is_nameless = self.shape == ListShape::Plain;
            if id.is_none() && self.shape == ListShape::Connection {
                let ids = self.page_ids(&mut page_ids, &page, after, page_length).await?;
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

    /// The ids of all records of the page; none if the list has changed meanwhile.
    async fn page_ids<'i>(
        &self,
        page_ids: &'i mut PageIds,
        page: &Page<'_>,
        after: Option<&str>,
        page_length: u32,
    ) -> Result<Option<&'i Vec<Option<String>>>, SourceError> {
        if matches!(page_ids, PageIds::NotAsked) {
            let known: Vec<Option<String>> =
                page.nodes.iter().map(|node| node.and_then(|raw| record_id(raw.get()))).collect();
            *page_ids = PageIds::Asked(self.ids_of_page(&known, after, page_length).await?);
        }
        Ok(match page_ids {
            PageIds::Asked(ids) => ids.as_ref(),
            PageIds::NotAsked => None,
        })
    }

    /// The entry for a record that the API fails at, with what is known of it.
    fn failing_node(
        &self,
        partial: &Partial<'_>,
        node: Option<&RawValue>,
        id: Option<String>,
        fault: &NodeFault,
        is_nameless: bool,
    ) -> Node {
        let answer = partial.answer();
        let seen_at = self.fetch.run.clock.at(answer.arrived);
        match (id, node) {
            (Some(id), node) => {
                let in_page = Received {
                    raw: node.map_or_else(|| bare(&id), |raw| partial.received(raw)),
                    external_id: id,
                    seen_at,
                    request: answer.number,
                    fault: None,
                };
                Node::Failing(Box::new(FailingRecord::new(with_fault(in_page, fault), true, 1)))
            }
            // It has bytes, but no readable id.
            (None, Some(raw)) => {
                let record = receive(answer, raw.get(), seen_at);
                let record = with_fault(Received { raw: partial.received(raw), ..record }, fault);
                Node::Failing(Box::new(FailingRecord::new(record, false, 1)))
            }
            (None, None) if is_nameless => Node::Nameless,
            (None, None) => Node::Null,
        }
    }
}
