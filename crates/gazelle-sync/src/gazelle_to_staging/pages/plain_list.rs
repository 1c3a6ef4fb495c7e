//! A list without pages that one record takes along: a field that may not be null fails at one of them, and the whole answer is
//! null. The list is asked for without that field, and each record by way of other records that hold it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::reader::Reader;
use crate::entities::ListedIn;
use crate::gazelle_to_staging::pages::failing::Failing;
use crate::gazelle_to_staging::pages::page::{Node, PageRead, id_of};
use crate::gazelle_to_staging::records::faults::faulty_one;
use crate::gazelle_to_staging::records::lookup::MOST_KEPT;
use crate::gazelle_to_staging::records::receive::{receive, record_id};
use crate::gazelle_to_staging::requests::queries;
use crate::source::{GraphqlRequest, ListShape, NodeFault, SourceError};
use crate::staging::versions::{self, Received};

/// What another list says of a record.
enum Elsewhere {
    /// The record, with all its fields.
    Whole(Received),
    /// The API fails at it there too.
    Fails(NodeFault),
    /// Nothing: no record there holds it, or that list cannot be had.
    Nothing,
}

/// The list without some fields.
struct Reduced {
    page: PageRead,
    /// The ids of its entries, in order.
    ids: Vec<Option<String>>,
    /// The fields that it lacks.
    lacks: Vec<String>,
    /// The entries at which they failed.
    faults: BTreeMap<usize, NodeFault>,
}

impl Reduced {
    fn new(page: PageRead, lacks: Vec<String>, faults: BTreeMap<usize, NodeFault>) -> Reduced {
        let ids = page.nodes.iter().map(id_of).collect();
        Reduced { page, ids, lacks, faults }
    }
}

/// What became of the entries of a list that lacks fields.
#[derive(Default)]
struct Completion {
    /// Whether the list fails at the same places when it is asked for once more. It is asked for at most once, and only where
    /// nothing but its place tells which record failed.
    is_steady: Option<bool>,
    /// Records that keep the version that staging has.
    kept: Vec<String>,
    /// Records that are stored without the fields.
    without: Vec<String>,
}

impl Completion {
    /// What is to be told of them, each a sentence.
    fn notes(&self, fields: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.kept.is_empty() {
            notes.push(format!(
                "the list cannot be had with {fields}, and nothing else holds {}: each keeps the version that staging has",
                some(&self.kept)
            ));
        }
        if !self.without.is_empty() {
            notes.push(format!(
                "the list cannot be had with {fields}, and nothing else holds {}: stored without",
                some(&self.without)
            ));
        }
        notes
    }
}

impl Reader<'_> {
    /// The list by other means; none where the error does not name records and fields of it.
    ///
    /// Errors: those that any request would meet.
    pub(super) async fn list_in_part(&mut self, error: SourceError) -> Result<Option<PageRead>, SourceError> {
        let failure = error.clone().without_answer();
        let Some(mut reduced) = self.reduced(error).await? else { return Ok(None) };
        let entries = std::mem::take(&mut reduced.page.nodes);
        let mut completion = Completion::default();
        let mut nodes = Vec::with_capacity(entries.len());
        for (index, node) in entries.into_iter().enumerate() {
            nodes.push(match (id_of(&node), node) {
                (Some(id), Node::Whole(raw)) => {
                    self.completed_entry(&reduced, &mut completion, index, id, &raw).await?
                }
                (_, node) => node,
            });
        }
        self.sizes.tally.failed_with(&failure);
        let fields = reduced.lacks.join(", ");
        let Reduced { mut page, .. } = reduced;
        page.nodes = nodes;
        page.notes.extend(completion.notes(&fields));
        Ok(Some(page))
    }

    /// An entry of a reduced list: as another list holds it, or as the reduced list has it.
    async fn completed_entry(
        &mut self,
        reduced: &Reduced,
        completion: &mut Completion,
        index: usize,
        id: String,
        raw: &Bytes,
    ) -> Result<Node, SourceError> {
        let answer = &reduced.page.answer;
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let in_list = receive(answer, text, self.fetch.clock.at(answer.arrived));
        let elsewhere = self.elsewhere(&id).await?;
        let named = match (&elsewhere, reduced.faults.get(&index).cloned()) {
            (Elsewhere::Nothing, Some(fault)) => {
                let is_steady = match completion.is_steady {
                    Some(known) => known,
                    None => *completion.is_steady.insert(self.is_steady(reduced).await?),
                };
                Some(fault).filter(|_| is_steady)
            }
            (_, named) => named,
        };
        Ok(match (elsewhere, named) {
            (Elsewhere::Whole(record), _) => Node::Received(Box::new(record)),
            (_, Some(fault)) | (Elsewhere::Fails(fault), None) => {
                let record = faulty_one(in_list, &fault);
                Node::Failing(Box::new(Failing::new(record, true, 1)))
            }
            (Elsewhere::Nothing, None) if self.is_held_with(&id, &reduced.lacks).await => {
                completion.kept.push(id.clone());
                Node::Kept { external_id: id, is_unasked: false }
            }
            (Elsewhere::Nothing, None) => {
                completion.without.push(id);
                Node::Received(Box::new(in_list))
            }
        })
    }

    /// Whether the list, asked for whole and reduced once more, fails at the same places of the same records. A place names
    /// a record only as long as the order of the list is the same in both requests.
    async fn is_steady(&mut self, before: &Reduced) -> Result<bool, SourceError> {
        let request =
            queries::page(self.entity, self.sizes, self.window.page_of(self.sizes.page()), None, None);
        let client = self.fetch.client.trying(2);
        let error = match client.post(&request).await.and_then(|answer| self.whole(answer)) {
            Ok(_) => return Ok(false),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => error,
        };
        let Some(again) = self.reduced(error).await? else { return Ok(false) };
        let places = |faults: &BTreeMap<usize, NodeFault>| -> Vec<(usize, String)> {
            faults.iter().map(|(index, fault)| (*index, fault.field.clone())).collect()
        };
        Ok(again.ids == before.ids && places(&again.faults) == places(&before.faults))
    }

    /// Asks for the list without the fields that errors name, as many as it takes.
    async fn reduced(&mut self, mut error: SourceError) -> Result<Option<Reduced>, SourceError> {
        let root = self.entity.walk.root;
        let operation = format!("{}Reduced", self.entity.walk.operation);
        let mut query = self.entity.walk.page_query.replacen(self.entity.walk.operation, &operation, 1);
        let (mut lacks, mut faults) = (Vec::new(), BTreeMap::new());
        loop {
            let Some(named) = entries_named(&error, root) else { return Ok(None) };
            // What is asked next may need its room.
            drop(error);
            let mut is_smaller = false;
            for (index, fault) in named {
                let field = fault.field.split('.').next().unwrap_or_default().to_owned();
                if !lacks.contains(&field) {
                    let Some(without) = queries::without_field(&query, &field) else { return Ok(None) };
                    (query, is_smaller) = (without, true);
                    lacks.push(field);
                }
                faults.entry(index).or_insert(fault);
            }
            if !is_smaller {
                return Ok(None);
            }
            let request = GraphqlRequest::new(operation.as_str(), query.as_str(), json!({}));
            let answer = match self.fetch.client.trying(2).post(&request).await {
                Ok(answer) => match self.fetch.client.kept(answer) {
                    Some(answer) => self.whole(answer),
                    None => return Ok(None),
                },
                Err(error) => Err(error),
            };
            error = match answer {
                Ok(page) => return Ok(Some(Reduced::new(page, lacks, faults))),
                Err(error) if error.concerns_any_request() => return Err(error),
                // Where a field that may be null fails as well.
                Err(error) => match self.in_part(&error, None, 1).await? {
                    Some(page) => return Ok(Some(Reduced::new(page, lacks, faults))),
                    None => error,
                },
            };
        }
    }

    /// The record as another list holds it.
    async fn elsewhere(&mut self, id: &str) -> Result<Elsewhere, SourceError> {
        if self.asked_bytes > MOST_KEPT {
            return Ok(Elsewhere::Nothing);
        }
        let Some(ListedIn { query, operation, root, field }) = &self.entity.listed_in else {
            return Ok(Elsewhere::Nothing);
        };
        let request = GraphqlRequest::new(*operation, &**query, json!({ "ids": [id] }));
        let answer = match self.fetch.client.trying(2).post(&request).await {
            Ok(answer) => answer,
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => {
                let faults = error.partial().map(|partial| partial.object(&[root]).1).unwrap_or_default();
                let inside = faults.into_iter().find_map(|fault| {
                    let at = fault.field.split_once(&format!(".{field}."))?.1.to_owned();
                    Some(NodeFault { field: at, ..fault })
                });
                return Ok(inside.map_or(Elsewhere::Nothing, Elsewhere::Fails));
            }
        };
        let Ok(page) = answer.page(root, ListShape::Connection) else { return Ok(Elsewhere::Nothing) };
        let holder = page.nodes.first().copied().flatten();
        let record = holder.and_then(|holder| queries::field_of(holder, field));
        // How the filter is understood is the API's affair: what counts is whose record came.
        Ok(match record.filter(|record| record_id(record.get()).as_deref() == Some(id)) {
            Some(record) => {
                let received = receive(&answer, record.get(), self.fetch.clock.at(answer.arrived));
                let raw = Bytes::copy_from_slice(&received.raw);
                let Some(raw) = self.fetch.client.kept_bytes(raw) else { return Ok(Elsewhere::Nothing) };
                self.asked_bytes += raw.len();
                Elsewhere::Whole(Received { raw, ..received })
            }
            None => Elsewhere::Nothing,
        })
    }

    /// Whether staging has these fields of a record. Where that cannot be known, yes: staged without them, the record would
    /// lose them.
    async fn is_held_with(&self, id: &str, fields: &[String]) -> bool {
        let held = versions::newest_has_fields(&self.fetch.db, self.entity, id, fields).await;
        held.unwrap_or_else(|error| {
            tracing::warn!(entity = self.entity.name, %error, "cannot look up what staging holds");
            true
        })
    }
}

/// Ids for a message: five of them, and how many there are.
fn some(ids: &[String]) -> String {
    match ids.len() {
        0..=5 => ids.join(", "),
        all => format!("{}, … ({all})", ids[..5].join(", ")),
    }
}

/// The entries of a list that an error names, each with a field; none where it names anything else.
fn entries_named(error: &SourceError, root: &str) -> Option<Vec<(usize, NodeFault)>> {
    let partial = error.partial()?;
    let faults = partial.object(&[root]).1;
    let named: Option<Vec<(usize, NodeFault)>> = faults
        .into_iter()
        .map(|fault| {
            let (index, field) = fault.field.split_once('.')?;
            let (index, field) = (index.parse().ok()?, field.to_owned());
            (field != "id").then_some((index, NodeFault { field, ..fault }))
        })
        .collect();
    named.filter(|named| !named.is_empty())
}
