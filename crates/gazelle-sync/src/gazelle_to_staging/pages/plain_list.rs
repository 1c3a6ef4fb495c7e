//! Reads a list without pages in which one failing record makes the whole answer null, because a field that is
//! not nullable fails. The list is requested without that field, and each record is then read through other
//! records that hold it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::reader::Reader;
use crate::entities::ListedIn;
use crate::gazelle_to_staging::pages::failing::FailingRecord;
use crate::gazelle_to_staging::pages::page::{Node, PageRead, id_of};
use crate::gazelle_to_staging::records::faults::with_fault;
use crate::gazelle_to_staging::records::lookup::MOST_KEPT;
use crate::gazelle_to_staging::records::receive::{receive, record_id};
use crate::gazelle_to_staging::requests::queries;
use crate::source::{GraphqlRequest, ListShape, NodeFault, SourceError};
use crate::staging::versions::{self, Received};

/// What a list of another entity gives of a record.
enum OtherList {
    /// The record, with all its fields.
    Whole(Received),
    /// The API fails at the record there too.
    Fails(NodeFault),
    /// No record there holds it, or that list cannot be read.
    Nothing,
}

/// The list, read without some fields.
struct ReducedList {
    page: PageRead,
    /// The ids of its entries, in order.
    ids: Vec<Option<String>>,
    /// The fields that were left out.
    removed_fields: Vec<String>,
    /// The faults that named these fields, by the index of the entry.
    faults: BTreeMap<usize, NodeFault>,
}

impl ReducedList {
    fn new(page: PageRead, removed_fields: Vec<String>, faults: BTreeMap<usize, NodeFault>) -> ReducedList {
        let ids = page.nodes.iter().map(id_of).collect();
        ReducedList { page, ids, removed_fields, faults }
    }
}

/// What was done about the entries of a reduced list.
#[derive(Default)]
struct Completion {
    /// Whether the list fails at the same indexes when it is requested again. Requested at most once, and only
    /// if nothing but an index names the failing record.
    fails_at_same_places: Option<bool>,
    /// Records that keep the version that staging has.
    kept: Vec<String>,
    /// Records that are stored without the fields.
    stored_without: Vec<String>,
}

impl Completion {
    /// Messages about these records.
    fn notes(&self, fields: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.kept.is_empty() {
            notes.push(format!(
                "the list cannot be had with {fields}, and nothing else holds {}: each keeps the version that staging has",
                list_of_ids(&self.kept)
            ));
        }
        if !self.stored_without.is_empty() {
            notes.push(format!(
                "the list cannot be had with {fields}, and nothing else holds {}: stored without",
                list_of_ids(&self.stored_without)
            ));
        }
        notes
    }
}

impl Reader<'_> {
    /// Reads the list without the fields that fail; none if the error does not name records and fields.
    ///
    /// Errors: those that any request would meet.
    pub(super) async fn reduced_list(&mut self, error: SourceError) -> Result<Option<PageRead>, SourceError> {
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
        self.sizes.tally.note_error(&failure);
        let fields = reduced.removed_fields.join(", ");
        let ReducedList { mut page, .. } = reduced;
        page.nodes = nodes;
        page.notes.extend(completion.notes(&fields));
        Ok(Some(page))
    }

    /// Completes an entry of a reduced list from another list, or takes it as the reduced list has it.
    async fn completed_entry(
        &mut self,
        reduced: &ReducedList,
        completion: &mut Completion,
        index: usize,
        id: String,
        raw: &Bytes,
    ) -> Result<Node, SourceError> {
        let answer = &reduced.page.answer;
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let in_list = receive(answer, text, self.fetch.clock.at(answer.arrived));
        let elsewhere = self.look_up_in_other_list(&id).await?;
        let named = match (&elsewhere, reduced.faults.get(&index).cloned()) {
            (OtherList::Nothing, Some(fault)) => {
                let fails_at_same_places = match completion.fails_at_same_places {
                    Some(known) => known,
                    None => {
                        *completion.fails_at_same_places.insert(self.fails_at_same_places(reduced).await?)
                    }
                };
                Some(fault).filter(|_| fails_at_same_places)
            }
            (_, named) => named,
        };
        Ok(match (elsewhere, named) {
            (OtherList::Whole(record), _) => Node::Received(Box::new(record)),
            (_, Some(fault)) | (OtherList::Fails(fault), None) => {
                let record = with_fault(in_list, &fault);
                Node::Failing(Box::new(FailingRecord::new(record, true, 1)))
            }
            (OtherList::Nothing, None) if self.is_staged_with(&id, &reduced.removed_fields).await => {
                completion.kept.push(id.clone());
                Node::Kept { external_id: id, awaits_lookup: false }
            }
            (OtherList::Nothing, None) => {
                completion.stored_without.push(id);
                Node::Received(Box::new(in_list))
            }
        })
    }

    /// Whether the list, requested whole and reduced once more, fails at the same indexes of the same records.
    /// An index names a record only if both requests list the records in the same order.
    async fn fails_at_same_places(&mut self, before: &ReducedList) -> Result<bool, SourceError> {
        let request =
            queries::page(self.entity, self.sizes, self.window.first_page_of(self.sizes.page()), None, None);
        let client = self.fetch.client.trying(2);
        let error = match client.post(&request).await.and_then(|answer| self.parse_page(answer)) {
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

    /// Requests the list without the fields that errors name, until it can be read.
    async fn reduced(&mut self, mut error: SourceError) -> Result<Option<ReducedList>, SourceError> {
        let root = self.entity.walk.root;
        let operation = format!("{}Reduced", self.entity.walk.operation);
        let mut query = self.entity.walk.page_query.replacen(self.entity.walk.operation, &operation, 1);
        let (mut removed_fields, mut faults) = (Vec::new(), BTreeMap::new());
        loop {
            let Some(named) = failing_entries(&error, root) else { return Ok(None) };
            // The next request may need the memory of its answer.
            drop(error);
            let mut is_smaller = false;
            for (index, fault) in named {
                let field = fault.field.split('.').next().unwrap_or_default().to_owned();
                if !removed_fields.contains(&field) {
                    let Some(without) = queries::without_field(&query, &field) else { return Ok(None) };
                    (query, is_smaller) = (without, true);
                    removed_fields.push(field);
                }
                faults.entry(index).or_insert(fault);
            }
            if !is_smaller {
                return Ok(None);
            }
            let request = GraphqlRequest::new(operation.as_str(), query.as_str(), json!({}));
            let answer = match self.fetch.client.trying(2).post(&request).await {
                Ok(answer) => match self.fetch.client.kept(answer) {
                    Some(answer) => self.parse_page(answer),
                    None => return Ok(None),
                },
                Err(error) => Err(error),
            };
            error = match answer {
                Ok(page) => return Ok(Some(ReducedList::new(page, removed_fields, faults))),
                Err(error) if error.concerns_any_request() => return Err(error),
                // A nullable field may fail as well.
                Err(error) => match self.partial_page(&error, None, 1).await? {
                    Some(page) => return Ok(Some(ReducedList::new(page, removed_fields, faults))),
                    None => error,
                },
            };
        }
    }

    /// Reads the record from a list of another entity.
    async fn look_up_in_other_list(&mut self, id: &str) -> Result<OtherList, SourceError> {
        if self.looked_up_bytes > MOST_KEPT {
            return Ok(OtherList::Nothing);
        }
        let Some(ListedIn { query, operation, root, field }) = &self.entity.listed_in else {
            return Ok(OtherList::Nothing);
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
                return Ok(inside.map_or(OtherList::Nothing, OtherList::Fails));
            }
        };
        let Ok(page) = answer.page(root, ListShape::Connection) else { return Ok(OtherList::Nothing) };
        let holder = page.nodes.first().copied().flatten();
        let record = holder.and_then(|holder| queries::field_of(holder, field));
        // The API may ignore the filter, so the id is compared.
        Ok(match record.filter(|record| record_id(record.get()).as_deref() == Some(id)) {
            Some(record) => {
                let received = receive(&answer, record.get(), self.fetch.clock.at(answer.arrived));
                let raw = Bytes::copy_from_slice(&received.raw);
                let Some(raw) = self.fetch.client.kept_bytes(raw) else { return Ok(OtherList::Nothing) };
                self.looked_up_bytes += raw.len();
                OtherList::Whole(Received { raw, ..received })
            }
            None => OtherList::Nothing,
        })
    }

    /// Whether staging has these fields of a record. Yes if the database fails, so that the record does not
    /// lose them by being staged without.
    async fn is_staged_with(&self, id: &str, fields: &[String]) -> bool {
        let held = versions::newest_has_fields(&self.fetch.db, self.entity, id, fields).await;
        held.unwrap_or_else(|error| {
            tracing::warn!(entity = self.entity.name, %error, "cannot look up what staging holds");
            true
        })
    }
}

/// Ids for a message: the first five, and how many there are.
fn list_of_ids(ids: &[String]) -> String {
    match ids.len() {
        0..=5 => ids.join(", "),
        all => format!("{}, … ({all})", ids[..5].join(", ")),
    }
}

/// The entries of a list that an error names, each with a field; none if it names anything else.
fn failing_entries(error: &SourceError, root: &str) -> Option<Vec<(usize, NodeFault)>> {
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
