//! A record apart from its page: asked for by its id, or walked around where not even that can be had.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::page::{Node, PageRead, id_of};
use super::reader::Reader;
use crate::gazelle_to_staging::pages::failing::Failing;
use crate::gazelle_to_staging::records::faults::{bare, is_about_all, of_record};
use crate::gazelle_to_staging::records::get::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::gazelle_to_staging::records::receive::record_id;
use crate::gazelle_to_staging::requests::parts::Bounds;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::turns::AskDecision;
use crate::gazelle_to_staging::requests::window::PagePlace;
use crate::source::{Answer, ErrorClass, ListShape, SourceError};
use crate::staging::source_fault::{SourceFault, SourceFaultKind};
use crate::staging::versions::{self, Received};

/// Consecutive pages of which nothing can be read, from which on the share of the walk decides whether the API is at fault. Each
/// costs some requests.
const MANY_FAULTY_IN_A_ROW: u32 = 25;

/// The same of records for which no query is small enough: each costs all steps from the usual size to the smallest.
const MANY_OVER_LIMIT_IN_A_ROW: u32 = 3;

/// Records of a window that came in no way but in parts, from which on all records are asked for in parts: until then each costs
/// some requests that fail.
const MANY_ONLY_IN_PARTS: u32 = 3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl Reader<'_> {
    /// The ids of a page's records, none for those that the API does not name, where it lists the same ones when asked for
    /// ids alone.
    pub(crate) async fn ids_beside(
        &self,
        nodes: &[Option<String>],
        after: Option<&str>,
        asked: u32,
    ) -> Result<Option<Vec<Option<String>>>, SourceError> {
        let request = queries::ids(self.entity, PagePlace { window: self.window, after, first: asked });
        let ids: Vec<Option<String>> = match self.fetch.client.trying(1).post(&request).await {
            Ok(answer) => match self.whole(answer) {
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

    /// A page with entries that the API gives as null, without a word: which records those are is asked for. They wait for the end
    /// of the walk, where their share of all that was walked tells whose fault it is.
    pub(crate) async fn name_nulls(
        &mut self,
        mut page: PageRead,
        after: Option<&str>,
        asked: u32,
    ) -> Result<PageRead, SourceError> {
        let nulls = page.nodes.iter().filter(|node| matches!(node, Node::Null)).count();
        if nulls == 0 {
            return Ok(page);
        }
        let error = page.answer.bad(&[self.entity.walk.root], "lists null in the place of records");
        match nulls == page.nodes.len() {
            true => self.count_faulty(&error)?,
            false => self.sizes.tally.failed_with(&error),
        }
        if self.shape == ListShape::Plain {
            // It has no form with ids alone.
            for node in page.nodes.iter_mut().filter(|node| matches!(node, Node::Null)) {
                *node = Node::Nameless;
            }
            return Ok(page);
        }
        let known: Vec<Option<String>> = page.nodes.iter().map(id_of).collect();
        // Where the list has shifted since, another walk is needed.
        let Some(ids) = self.ids_beside(&known, after, asked).await? else { return Ok(page) };
        let words = "the API lists null in its place";
        for (index, id) in ids.into_iter().enumerate() {
            if !matches!(page.nodes[index], Node::Null) {
                continue;
            }
            page.nodes[index] = match id {
                None => Node::Nameless,
                Some(id) => {
                    let before = self.bare(&page.answer, &id, words.to_owned());
                    Node::Failing(Box::new(Failing::new(before, true, 2)))
                }
            };
        }
        Ok(page)
    }

    /// The page of one record that cannot be read: its id and the cursor after it are asked for without the rest of it. The record
    /// waits for the end of the walk.
    pub(crate) async fn around(
        &mut self,
        error: SourceError,
        after: Option<&str>,
    ) -> Result<PageRead, SourceError> {
        let request = queries::ids(self.entity, PagePlace { window: self.window, after, first: 1 });
        let read = self.fetch.client.trying(1).post(&request).await.and_then(|answer| self.whole(answer));
        let mut page = match read {
            Ok(page) => page,
            Err(of_ids) if of_ids.concerns_any_request() => return Err(of_ids),
            Err(_) => self.past(&error, after).await?,
        };
        let mut nodes = Vec::new();
        for node in &page.nodes {
            self.count_faulty(&error)?;
            nodes.push(match id_of(node) {
                None => Node::Nameless,
                Some(id) => {
                    let record = self.bare(&page.answer, &id, error.to_string());
                    Node::Failing(Box::new(Failing::new(record, true, 2)))
                }
            });
        }
        page.nodes = nodes;
        // The reason is found; what follows is asked for as before.
        self.heavy = None;
        self.cap = self.sizes.page();
        Ok(page)
    }

    /// The page of one record of which not even the id can be asked for: the cursor after it.
    async fn past(&self, error: &SourceError, after: Option<&str>) -> Result<PageRead, SourceError> {
        let root = self.entity.walk.root;
        let request = queries::cursor(self.entity, PagePlace { window: self.window, after, first: 1 });
        let answer = match self.fetch.client.trying(1).post(&request).await {
            Ok(answer) => answer,
            Err(of_cursor) if of_cursor.concerns_any_request() => return Err(of_cursor),
            Err(_) => return Err(error.clone()),
        };
        let read = |path: &[&str]| answer.object_path(path).ok().flatten().map(RawValue::get);
        let info = read(&[root, "pageInfo"]).and_then(|raw| serde_json::from_str::<PageInfo>(raw).ok());
        let total_count = read(&[root, "totalCount"]).and_then(|raw| raw.parse().ok());
        let Some(PageInfo { has_next_page, end_cursor }) = info else { return Err(error.clone()) };
        // Without a cursor the records after it cannot be reached.
        if has_next_page && end_cursor.is_none() || total_count == Some(0) {
            return Err(error.clone());
        }
        Ok(PageRead {
            nodes: vec![Node::Null],
            has_next_page,
            end_cursor,
            total_count,
            answer,
            notes: Vec::new(),
        })
    }

    /// The next shorter length of lists inside a record to try out; none where it is asked for in parts already.
    pub(crate) fn shorter_lists(&self, inner: Option<u32>, bounds: Option<Bounds>) -> Option<u32> {
        match bounds {
            None => self.sizes.shorter_lists(self.entity, inner),
            Some(_) => None,
        }
    }

    /// A record on which the server or its gateway gave up came in parts. Where it is not alone in that, all are asked for so.
    pub(crate) fn came_in_parts(&mut self, bounds: Bounds, failure: &SourceError) {
        self.only_in_parts += 1;
        // The reason is found; what follows is asked for as before.
        self.heavy = None;
        self.cap = self.sizes.page();
        if self.only_in_parts >= MANY_ONLY_IN_PARTS {
            self.sizes.bears_parts_of(bounds, failure);
        }
    }

    /// Asks for a record by its id that its list has named; where the API cannot give it, it is as it came before.
    ///
    /// Errors: those that are not about the record.
    pub(crate) async fn ask_alone(&mut self, failing: Failing) -> Result<Node, SourceError> {
        let Failing { record: before, attempts, may_have_gone, .. } = failing;
        let id = &before.external_id.clone();
        let Some(getter) = self.entity.getter.as_ref() else { return Ok(Node::Received(Box::new(before))) };
        let turn = match self.asked_bytes > MOST_KEPT {
            // As much as is kept in memory: another run asks for it.
            true => AskDecision::Unknown,
            false => self.sizes.turns.of(id),
        };
        match turn {
            AskDecision::Ask => {}
            AskDecision::AskedBefore => {
                return Ok(Node::Kept { external_id: id.to_owned(), is_unasked: true });
            }
            AskDecision::Unknown => return Ok(self.not_asked(id, before).await),
            AskDecision::NotYet => return Ok(Node::Received(Box::new(not_asked(before)))),
        }
        let client = self.fetch.client.trying(attempts);
        match get(&client, self.sizes, self.entity, getter, id).await {
            Ok(LookupResult::Found(record)) => {
                self.faulty_in_a_row = 0;
                self.asked_bytes += record.raw.len();
                let seen_at = self.fetch.clock.now();
                let record = Received { seen_at, external_id: id.to_owned(), ..record };
                Ok(Node::Asked(Box::new(record)))
            }
            Ok(LookupResult::Faulty(record)) => {
                self.asked_bytes += record.raw.len();
                let seen_at = self.fetch.clock.now();
                Ok(answered(Received { seen_at, external_id: id.to_owned(), ..record }))
            }
            Ok(LookupResult::Refused(said)) => {
                let is_bare = before.fault.as_ref().is_none_or(|fault| fault.field.is_empty());
                let said = of_record(said);
                let fault = if is_bare { Some(Box::new(said)) } else { before.fault.clone() };
                Ok(answered(Received { fault, ..before }))
            }
            // Only the first time: a record that its list goes on naming is at fault.
            Ok(LookupResult::Missing(_))
                if may_have_gone && self.fetch.walk_attempts > 1 && self.sizes.turns.is_first_denial(id) =>
            {
                Ok(Node::Null)
            }
            // Its list has named it a moment ago: that is no proof of a deletion, and no reason for another walk. Nor is what
            // was read several times and never came together.
            Ok(LookupResult::Missing(_) | LookupResult::Unclear(_) | LookupResult::Changed(_)) => {
                Ok(answered(before))
            }
            // As if it were not asked for: the next run does.
            Ok(LookupResult::NoRoom) => Ok(self.not_asked(id, before).await),
            Err(error) if is_about_all(&error) => Err(error),
            Err(_) => Ok(answered(before)),
        }
    }

    /// A record that another run asks for; what staging has of it stays.
    async fn not_asked(&self, id: &str, before: Received) -> Node {
        match self.is_held(id).await {
            true => Node::Kept { external_id: id.to_owned(), is_unasked: true },
            false => Node::Received(Box::new(not_asked(before))),
        }
    }

    /// Whether staging has a version of a record that is there. Where the database does not tell, nothing is staged over it.
    async fn is_held(&self, id: &str) -> bool {
        match versions::is_there(&self.fetch.db, self.entity, id).await {
            Ok(is_there) => is_there,
            Err(error) => {
                tracing::warn!(entity = self.entity.name, %error, "whether staging has a record is not known");
                true
            }
        }
    }

    /// Notes that nothing could be read of a page.
    ///
    /// Errors: `of_page`, where many such pages follow each other and most of the walk was like them: that is no fault of the
    /// records.
    pub(crate) fn count_faulty(&mut self, of_page: &SourceError) -> Result<(), SourceError> {
        self.faulty_in_a_row += 1;
        self.sizes.tally.failed_with(of_page);
        let many = match of_page.class() {
            ErrorClass::OverLimit { .. } => MANY_OVER_LIMIT_IN_A_ROW,
            _ => MANY_FAULTY_IN_A_ROW,
        };
        if self.faulty_in_a_row > many && self.sizes.tally.blames_the_api() {
            return Err(of_page.clone());
        }
        Ok(())
    }

    /// All that is known of a record of which nothing came.
    pub(crate) fn bare(&self, answer: &Answer, id: &str, said: String) -> Received {
        Received {
            raw: bare(id),
            external_id: id.to_owned(),
            seen_at: self.fetch.clock.at(answer.arrived),
            request: answer.number,
            fault: Some(Box::new(of_record(said))),
        }
    }
}

/// What came of asking for a record by its id.
fn answered(record: Received) -> Node {
    Node::Asked(Box::new(record))
}

/// A record that its list could not give whole, and that is asked for by its id in a later run.
fn not_asked(record: Received) -> Received {
    let fault = record.fault.map(|fault| match fault.kind {
        SourceFaultKind::Incomplete => Box::new(SourceFault { kind: SourceFaultKind::NotAsked, ..*fault }),
        // Whether they are text, its bytes tell.
        SourceFaultKind::NotText | SourceFaultKind::NotAsked => fault,
    });
    Received { fault, ..record }
}
