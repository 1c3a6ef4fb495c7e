//! Reads a list without pages in which one failing record makes the whole answer null, because a field that is
//! not nullable fails. The list is requested without that field, and each record is then read through other
//! records that hold it. Which field fails is what the API says, or is found by requesting some fields at a time
//! ([`plain_groups`](super::plain_groups)).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::plain_groups::LeftOut;
use super::reader::Reader;
use crate::entities::ListedIn;
use crate::gazelle_to_staging::pages::failing::FailingRecord;
use crate::gazelle_to_staging::pages::page::{Node, PageRead, id_of};
use crate::gazelle_to_staging::records::faults::{
    asks_to_wait, concerns_all_records, ends_the_list, with_fault,
};
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
    /// The API fails there and names no record. If it gave others, it fails at this one.
    NoAnswer(SourceError),
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
    fn new(page: PageRead, left_out: LeftOut) -> ReducedList {
        let ids = page.nodes.iter().map(id_of).collect();
        ReducedList { page, ids, removed_fields: left_out.fields, faults: left_out.faults }
    }

    /// The fault of a record at which the API fails in the other list too, and is not said to fail at any record
    /// by this one.
    fn unnamed_fault(&self, error: &SourceError) -> NodeFault {
        let field = match self.removed_fields.as_slice() {
            [one] => one.clone(),
            _ => String::new(),
        };
        NodeFault { field, message: error.to_string(), is_not_text: false }
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
                "the list cannot be read with {fields}, and no other query returns {}: each keeps the version that staging has",
                list_of_ids(&self.kept)
            ));
        }
        if !self.stored_without.is_empty() {
            notes.push(format!(
                "the list cannot be read with {fields}, and no other query returns {}: stored without",
                list_of_ids(&self.stored_without)
            ));
        }
        notes
    }
}

impl Reader<'_> {
    /// Reads the list without the fields that fail; none if it cannot be read with any of its fields.
    ///
    /// # Errors
    /// Those that any request would meet, and throttling of the list.
    pub(super) async fn reduced_list(&mut self, error: SourceError) -> Result<Option<PageRead>, SourceError> {
        let failure = error.clone().without_answer();
        let Some(mut reduced) = self.reduced(error).await? else { return Ok(None) };
        if reduced.removed_fields.is_empty() {
            return Ok(Some(reduced.page));
        }
        let entries = std::mem::take(&mut reduced.page.nodes);
        let elsewhere = self.look_up_entries(&reduced).await?;
        let mut completion = Completion::default();
        let mut nodes = Vec::with_capacity(entries.len());
        for (index, (node, other)) in entries.into_iter().zip(elsewhere).enumerate() {
            let entry = self.received_entry(&reduced, node);
            nodes.push(match entry {
                Ok((id, in_list)) => {
                    self.completed_entry(&reduced, &mut completion, (index, id, in_list), other).await?
                }
                Err(node) => node,
            });
        }
        self.sizes.tally.note_error(&failure);
        let fields = reduced.removed_fields.join(", ");
        let ReducedList { mut page, .. } = reduced;
        page.nodes = nodes;
        page.notes.extend(completion.notes(&fields));
        Ok(Some(page))
    }

    /// Looks up each entry of a reduced list in the other list. One at which that list fails without naming anybody is
    /// at fault if the list gives another record right before and after it fails there again; otherwise the API as
    /// such may be what fails.
    async fn look_up_entries(&mut self, reduced: &ReducedList) -> Result<Vec<OtherList>, SourceError> {
        let mut elsewhere = Vec::with_capacity(reduced.ids.len());
        for id in &reduced.ids {
            elsewhere.push(match id {
                Some(id) => self.look_up_in_other_list(id).await?,
                None => OtherList::Nothing,
            });
        }
        let mut given = reduced
            .ids
            .iter()
            .zip(&elsewhere)
            .find_map(|(id, other)| id.as_deref().filter(|_| matches!(other, OtherList::Whole(_))))
            // The list itself has named those at which it fails.
            .filter(|_| reduced.faults.is_empty());
        for (id, other) in reduced.ids.iter().zip(&mut elsewhere) {
            if !matches!(other, OtherList::NoAnswer(_)) {
                continue;
            }
            *other = match (id, given) {
                (Some(id), Some(good)) => self.look_up_beside(id, good, reduced).await?,
                _ => OtherList::Nothing,
            };
            // What the API fails at as such is not asked for once more.
            given = given.filter(|_| !matches!(other, OtherList::Nothing));
        }
        Ok(elsewhere)
    }

    /// Looks up once more a record that the other list did not give, between two lookups of one that it gave. Nothing
    /// if it does not give that one either.
    async fn look_up_beside(
        &mut self,
        id: &str,
        good: &str,
        reduced: &ReducedList,
    ) -> Result<OtherList, SourceError> {
        if !self.is_given(good).await? {
            return Ok(OtherList::Nothing);
        }
        let again = self.look_up_in_other_list(id).await?;
        Ok(match again {
            OtherList::NoAnswer(error) if self.is_given(good).await? => {
                OtherList::Fails(reduced.unnamed_fault(&error))
            }
            OtherList::NoAnswer(_) => OtherList::Nothing,
            again => again,
        })
    }

    /// Whether the other list gives a record, which is not kept.
    async fn is_given(&mut self, id: &str) -> Result<bool, SourceError> {
        let before = self.looked_up_bytes;
        let given = self.look_up_in_other_list(id).await?;
        self.looked_up_bytes = before;
        Ok(matches!(given, OtherList::Whole(_)))
    }

    /// An entry that came, with its id; the node itself if it did not.
    fn received_entry(&self, reduced: &ReducedList, node: Node) -> Result<(String, Received), Node> {
        let Some(id) = id_of(&node) else { return Err(node) };
        let answer = &reduced.page.answer;
        match node {
            Node::Whole(raw) => {
                let text = std::str::from_utf8(&raw).unwrap_or_default();
                Ok((id, receive(answer, text, self.fetch.run.clock.at(answer.arrived))))
            }
            // Merged from parts.
            Node::Received(record) => Ok((id, *record)),
            node => Err(node),
        }
    }

    /// Completes an entry of a reduced list from another list, or takes it as the reduced list has it.
    async fn completed_entry(
        &mut self,
        reduced: &ReducedList,
        completion: &mut Completion,
        (index, id, in_list): (usize, String, Received),
        elsewhere: OtherList,
    ) -> Result<Node, SourceError> {
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
            (_, None) if self.is_staged_with(&id, &reduced.removed_fields).await => {
                completion.kept.push(id.clone());
                Node::Kept { external_id: id, awaits_lookup: false }
            }
            (_, None) => {
                completion.stored_without.push(id);
                Node::Received(Box::new(in_list))
            }
        })
    }

    /// Whether the list, requested whole and reduced once more, fails at the same indexes of the same records.
    /// An index names a record only if both requests list the records in the same order.
    async fn fails_at_same_places(&mut self, before: &ReducedList) -> Result<bool, SourceError> {
        let error = match self.list_without(&LeftOut::of_entity(self.entity)).await {
            Ok(_) => return Ok(false),
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) if asks_to_wait(&error) => return Ok(false),
            Err(error) => error,
        };
        let again = match self.reduced(error).await {
            Ok(Some(again)) => again,
            Ok(None) => return Ok(false),
            Err(error) if asks_to_wait(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let places = |faults: &BTreeMap<usize, NodeFault>| -> Vec<(usize, String)> {
            faults.iter().map(|(index, fault)| (*index, fault.field.clone())).collect()
        };
        Ok(again.ids == before.ids && places(&again.faults) == places(&before.faults))
    }

    /// Requests the list without the fields that fail, until it can be read.
    async fn reduced(&mut self, mut error: SourceError) -> Result<Option<ReducedList>, SourceError> {
        let mut left_out = LeftOut::of_entity(self.entity);
        loop {
            if !left_out.take_named(&error, self.entity.walk.root) {
                let is_final = left_out.is_divided || error.is_over_limit() || !error.may_be_too_much();
                if is_final || !self.divide(&mut left_out, &error).await? {
                    return Ok(None);
                }
            }
            // The next request may need the memory of its answer.
            drop(error);
            error = match self.list_without(&left_out).await {
                Ok(page) => return Ok(page.map(|page| ReducedList::new(page, left_out))),
                Err(error) if ends_the_list(&error) => return Err(error),
                Err(error) => error,
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
        let answer = match self.fetch.api.client.with_attempts(2).post(&request).await {
            Ok(answer) => answer,
            Err(error) if error.concerns_any_request() => return Err(error),
            Err(error) => {
                let faults = error.partial().map(|partial| partial.object(&[root]).1).unwrap_or_default();
                let inside = faults.into_iter().find_map(|fault| {
                    let at = fault.field.split_once(&format!(".{field}."))?.1.to_owned();
                    Some(NodeFault { field: at, ..fault })
                });
                return Ok(match inside {
                    Some(fault) => OtherList::Fails(fault),
                    None if concerns_all_records(&error) || error.is_over_limit() => OtherList::Nothing,
                    None => OtherList::NoAnswer(error.without_answer()),
                });
            }
        };
        let Ok(page) = answer.page(root, ListShape::Connection) else { return Ok(OtherList::Nothing) };
        let holder = page.nodes.first().copied().flatten();
        let record = holder.and_then(|holder| queries::field_of(holder, field));
        // The API may ignore the filter, so the id is compared.
        Ok(match record.filter(|record| record_id(record.get()).as_deref() == Some(id)) {
            Some(record) => {
                let received = receive(&answer, record.get(), self.fetch.run.clock.at(answer.arrived));
                let raw = Bytes::copy_from_slice(&received.raw);
                let Some(raw) = self.fetch.api.client.kept_bytes(raw) else { return Ok(OtherList::Nothing) };
                self.looked_up_bytes += raw.len();
                OtherList::Whole(Received { raw, ..received })
            }
            None => OtherList::Nothing,
        })
    }

    /// Whether staging has these fields of a record. Yes if the database fails, so that the record does not
    /// lose them by being staged without.
    async fn is_staged_with(&self, id: &str, fields: &[String]) -> bool {
        let held = versions::newest_has_fields(&self.fetch.run.db, self.entity, id, fields).await;
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
