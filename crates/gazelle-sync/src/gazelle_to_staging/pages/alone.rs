//! Handles a record apart from its page: looks it up by its id, or skips it if not even its id can be read.

use super::page::{Node, PageRead, id_of};
use super::reader::Reader;
use crate::gazelle_to_staging::pages::failing::FailingRecord;
use crate::gazelle_to_staging::records::faults::{bare, concerns_all_records, record_fault};
use crate::gazelle_to_staging::records::get::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::gazelle_to_staging::records::receive::record_id;
use crate::gazelle_to_staging::requests::lookup_turns::LookupDecision;
use crate::gazelle_to_staging::requests::parts::Bounds;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::window::PagePosition;
use crate::source::{Answer, ListShape, SourceError};
use crate::staging::versions::source_fault::{SourceFault, SourceFaultKind};
use crate::staging::versions::{self, Received};

/// After this many records of a window that came only in parts, all records are requested in parts. Until then
/// each costs several failed requests.
const MANY_ONLY_IN_PARTS: u32 = 3;

impl Reader<'_> {
    /// The ids of a page's records, requested without other fields; none for an entry whose id the API does not
    /// give. Returns none if the list has changed, so that the ids do not agree with the known ones in `nodes`.
    ///
    /// # Errors
    /// Those that any request would meet.
    pub(crate) async fn ids_of_page(
        &self,
        nodes: &[Option<String>],
        after: Option<&str>,
        page_length: u32,
    ) -> Result<Option<Vec<Option<String>>>, SourceError> {
        let request =
            queries::page_ids(self.entity, PagePosition { window: self.window, after, first: page_length });
        let ids: Vec<Option<String>> = match self.fetch.api.client.with_attempts(1).post(&request).await {
            Ok(answer) => match self.parse_page(answer) {
                Ok(page) => page.nodes.iter().map(id_of).collect(),
                Err(_) => return Ok(None),
            },
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => {
                let partial = error.partial();
                match partial.as_ref().and_then(|partial| partial.page(self.entity.walk.root, self.shape)) {
                    Some((page, _)) => {
                        page.nodes.iter().map(|node| node.and_then(|raw| record_id(raw.get()))).collect()
                    }
                    None => return Ok(None),
                }
            }
        };
        let is_same = |(id, known): (&Option<String>, &Option<String>)| known.is_none() || known == id;
        let agrees = ids.len() == nodes.len() && ids.iter().zip(nodes).all(is_same);
        Ok(agrees.then_some(ids))
    }

    /// Requests the ids of the entries that the API gave as null without an error. These records wait for the
    /// end of the walk, where their share of the walk decides whether the API or the records are at fault.
    pub(crate) async fn find_ids_of_nulls(
        &mut self,
        mut page: PageRead,
        after: Option<&str>,
        page_length: u32,
    ) -> Result<PageRead, SourceError> {
        let nulls = page.nodes.iter().filter(|node| matches!(node, Node::Null)).count();
        if nulls == 0 {
            return Ok(page);
        }
        let error = page.answer.bad(&[self.entity.walk.root], "lists null in the place of records");
        match nulls == page.nodes.len() {
            true => self.note_unreadable_page(&error, after).await?,
            false => self.sizes.tally.note_error(&error),
        }
        if self.shape == ListShape::Plain {
            // A list without pages has no query with ids alone.
            for node in page.nodes.iter_mut().filter(|node| matches!(node, Node::Null)) {
                *node = Node::Nameless;
            }
            return Ok(page);
        }
        let known: Vec<Option<String>> = page.nodes.iter().map(id_of).collect();
        // The list has changed meanwhile: only another attempt at the walk can find these records.
        let Some(ids) = self.ids_of_page(&known, after, page_length).await? else { return Ok(page) };
        let words = "the API lists null in its place";
        for (index, id) in ids.into_iter().enumerate() {
            if !matches!(page.nodes[index], Node::Null) {
                continue;
            }
            page.nodes[index] = match id {
                None => Node::Nameless,
                Some(id) => {
                    let before = self.bare_record(&page.answer, &id, words.to_owned());
                    Node::Failing(Box::new(FailingRecord::new(before, true, 2)))
                }
            };
        }
        Ok(page)
    }

    /// Skips the one record of a page that cannot be read: requests its id and the cursor after it. The record
    /// waits for the end of the walk.
    pub(crate) async fn skip_record(
        &mut self,
        error: SourceError,
        after: Option<&str>,
    ) -> Result<PageRead, SourceError> {
        let request = queries::page_ids(self.entity, PagePosition { window: self.window, after, first: 1 });
        let read = self
            .fetch
            .api
            .client
            .with_attempts(1)
            .post(&request)
            .await
            .and_then(|answer| self.parse_page(answer));
        let mut page = match read {
            Ok(page) => page,
            Err(of_ids) if of_ids.concerns_any_request() => return Err(of_ids),
            Err(_) => self.skip_without_id(&error, after).await?,
        };
        let mut nodes = Vec::new();
        for node in &page.nodes {
            self.note_unreadable_page(&error, after).await?;
            nodes.push(match id_of(node) {
                None => Node::Nameless,
                Some(id) => {
                    let record = self.bare_record(&page.answer, &id, error.to_string());
                    Node::Failing(Box::new(FailingRecord::new(record, true, 2)))
                }
            });
        }
        page.nodes = nodes;
        // The record was the reason for the failure: later pages have their usual length again.
        self.size_failure = None;
        self.cap = self.sizes.page();
        self.has_skipped = true;
        Ok(page)
    }

    /// Skips a record of which not even the id can be read: requests only the cursor after it.
    async fn skip_without_id(
        &self,
        error: &SourceError,
        after: Option<&str>,
    ) -> Result<PageRead, SourceError> {
        match self.page_without_records(after, 1).await? {
            Some(page) => Ok(PageRead { nodes: vec![Node::Null], ..page }),
            None => Err(error.clone()),
        }
    }

    /// The next shorter length of lists inside a record to try; none if the record is requested in parts already.
    pub(crate) fn shorter_lists(&self, inner: Option<u32>, bounds: Option<Bounds>) -> Option<u32> {
        match bounds {
            None => self.sizes.shorter_lists(self.entity, inner),
            Some(_) => None,
        }
    }

    /// Notes that a record came in parts after the server or its gateway gave up on the whole. After several,
    /// all records are requested in parts.
    pub(crate) fn note_came_in_parts(&mut self, bounds: Bounds, failure: &SourceError) {
        self.only_in_parts += 1;
        // The record was the reason for the failure: later pages have their usual length again.
        self.size_failure = None;
        self.cap = self.sizes.page();
        if self.only_in_parts >= MANY_ONLY_IN_PARTS {
            self.sizes.limit_fields(bounds, failure);
        }
    }

    /// Looks up a failing record by its id. If the API cannot give it, keeps what came from the list.
    ///
    /// # Errors
    /// Those that are not about the record.
    pub(crate) async fn look_up(&mut self, failing: FailingRecord) -> Result<Node, SourceError> {
        let FailingRecord { record: before, attempts, may_have_gone, is_cut, .. } = failing;
        let id = &before.external_id.clone();
        let Some(getter) = self.entity.getter.as_ref() else { return Ok(Node::Received(Box::new(before))) };
        let turn = match self.looked_up_bytes > MOST_KEPT {
            // Memory for looked-up records is full: another run looks it up.
            true => LookupDecision::Unknown,
            false => self.sizes.lookup_turns.decide(id),
        };
        match turn {
            LookupDecision::LookUp => {}
            LookupDecision::LookedUpBefore => {
                return Ok(Node::Kept { external_id: id.to_owned(), awaits_lookup: true });
            }
            // What came of a record that was cut is not kept, and must not take the place of a version that staging has.
            LookupDecision::NotYet if is_cut => return Ok(self.keep_or_stage_unasked(id, before).await),
            LookupDecision::Unknown => return Ok(self.keep_or_stage_unasked(id, before).await),
            LookupDecision::NotYet => return Ok(Node::Received(Box::new(unasked(before)))),
        }
        let client = self.fetch.api.client.with_attempts(attempts);
        match get(&client, self.sizes, self.entity, getter, id).await {
            Ok(LookupResult::Found(record)) => {
                self.faulty_in_a_row = 0;
                self.gives_others = None;
                self.looked_up_bytes += record.raw.len();
                let seen_at = self.fetch.run.clock.now();
                let record = Received { seen_at, external_id: id.to_owned(), ..record };
                Ok(Node::LookedUp(Box::new(record)))
            }
            Ok(LookupResult::Faulty(record)) => {
                self.looked_up_bytes += record.raw.len();
                let seen_at = self.fetch.run.clock.now();
                Ok(looked_up(Received { seen_at, external_id: id.to_owned(), ..record }))
            }
            Ok(LookupResult::Refused(said)) => {
                let is_bare = before.fault.as_ref().is_none_or(|fault| fault.field.is_empty());
                let said = record_fault(said);
                let fault = if is_bare { Some(Box::new(said)) } else { before.fault.clone() };
                Ok(looked_up(Received { fault, ..before }))
            }
            // Only the first time: if the list still names the record in the next attempt, the record is at fault.
            Ok(LookupResult::Missing(_))
                if may_have_gone
                    && self.fetch.limits.walk_attempts > 1
                    && self.sizes.lookup_turns.is_first_denial(id) =>
            {
                Ok(Node::Null)
            }
            // The list named the record a moment ago, so the getter's answer is no proof of a deletion, and no
            // reason for another attempt. Neither is a record that changed in each of several reads.
            Ok(LookupResult::Missing(_) | LookupResult::Unclear(_) | LookupResult::Changed(_)) => {
                Ok(looked_up(before))
            }
            // Treated like a record that was not looked up, so that the next run does.
            Ok(LookupResult::NoRoom) => Ok(self.keep_or_stage_unasked(id, before).await),
            Err(error) if concerns_all_records(&error) => Err(error),
            Err(_) => Ok(looked_up(before)),
        }
    }

    /// A record that a later run looks up. A version that staging has is kept.
    pub(crate) async fn keep_or_stage_unasked(&self, id: &str, before: Received) -> Node {
        match self.is_staged(id).await {
            true => Node::Kept { external_id: id.to_owned(), awaits_lookup: true },
            false => Node::Received(Box::new(unasked(before))),
        }
    }

    /// Whether staging has a version of a record. Yes if the database fails, so that no incomplete version is
    /// staged over it.
    async fn is_staged(&self, id: &str) -> bool {
        match versions::is_there(&self.fetch.run.db, self.entity, id).await {
            Ok(is_there) => is_there,
            Err(error) => {
                tracing::warn!(entity = self.entity.name, %error, "whether staging has a record is not known");
                true
            }
        }
    }

    /// A record of which only the id is known.
    pub(crate) fn bare_record(&self, answer: &Answer, id: &str, said: String) -> Received {
        Received {
            raw: bare(id),
            external_id: id.to_owned(),
            seen_at: self.fetch.run.clock.at(answer.arrived),
            request: answer.number,
            fault: Some(Box::new(record_fault(said))),
        }
    }
}

/// The result of a lookup by id.
fn looked_up(record: Received) -> Node {
    Node::LookedUp(Box::new(record))
}

/// A record that its list could not give whole, marked for a lookup by its id in a later run.
fn unasked(record: Received) -> Received {
    let fault = record.fault.map(|fault| match fault.kind {
        SourceFaultKind::Incomplete => Box::new(SourceFault { kind: SourceFaultKind::NotAsked, ..*fault }),
        // The kind was determined by the bytes received: a lookup does not change it.
        SourceFaultKind::NotText | SourceFaultKind::NotAsked => fault,
    });
    Received { fault, ..record }
}
