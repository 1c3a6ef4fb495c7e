//! Looks up one record by its id, with one query or in parts.

use jiff::Timestamp;

use super::budget::{self, PartsBudget};
use super::completed::{completed, completed_in_turn};
use super::faults::{bare, with_fault};
use super::gather::{Gathered, PartsRequest};
use super::lookup::LookupResult;
use super::nested;
use super::receive::{receive, receive_completed};
use crate::entities::{Entity, Getter};
use crate::gazelle_to_staging::requests::parts::PartPlan;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{Answer, GazelleClient, Lookup, NodeFault, SourceError};
use crate::staging::versions::Received;
use crate::staging::versions::exact;

/// A record that changes while it is read is read again this often.
const MOST_CHANGED: u32 = 2;

/// Looks up one record by its id.
///
/// # Errors
/// Errors of the API, unless they are about this record.
pub async fn get(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
) -> Result<LookupResult, SourceError> {
    let query = RecordQuery { client, sizes, entity, getter, id };
    let (mut large_slot, mut changed) = (None, 0);
    loop {
        let sent = sizes.query_limits();
        let result = match PartPlan::of_getter(entity, getter, sent.bounds) {
            Ok(plan) => match query.in_parts(&plan, &PartsBudget::new(large_slot.is_some())).await {
                Ok(PartsLookup::Result(result)) => Ok(result),
                Ok(PartsLookup::TooLarge(_)) if large_slot.is_none() => {
                    large_slot = sizes.large_slot().await;
                    continue;
                }
                Ok(PartsLookup::TooLarge(record)) => Ok(LookupResult::Faulty(record)),
                Err(error) => Err(error),
            },
            Err(_) => {
                // The slot is released first: `whole` may wait for it itself.
                drop(large_slot.take());
                query.whole().await
            }
        };
        match result {
            Err(error) if error.is_over_limit() => {
                if !sizes.shrink_record(entity, sent, &error) {
                    // No query was small enough: the limit is about the contents of this record, not about queries.
                    sizes.restore_all();
                    return Err(error);
                }
            }
            // The next read may find the record unchanged.
            Ok(LookupResult::Changed(_)) if changed < MOST_CHANGED => changed += 1,
            result => return result,
        }
    }
}

/// The lookup of one record by its id.
struct RecordQuery<'q> {
    client: &'q GazelleClient,
    sizes: &'q Sizes,
    entity: &'static Entity,
    getter: &'q Getter,
    id: &'q str,
}

/// The result of a lookup in parts.
enum PartsLookup {
    Result(LookupResult),
    /// The parts exceed the budget: the record with this fault, in case it does even with the large slot.
    TooLarge(Received),
}

/// The parts of a record that the getter gave.
struct GivenParts {
    raw: Vec<String>,
    /// The first fault among them, with the API's error.
    fault: Option<(NodeFault, SourceError)>,
    /// The first answer, without its body.
    answer: Answer,
}

/// The result of requesting all parts from the getter.
enum GivenResult {
    Complete(Box<GivenParts>),
    /// The lookup ends without parts to merge.
    Other(PartsLookup),
}

impl RecordQuery<'_> {
    /// Looks up the record with one query.
    async fn whole(&self) -> Result<LookupResult, SourceError> {
        let RecordQuery { client, sizes, entity, getter, id } = *self;
        let answer = client.post(&queries::record(getter, sizes, id, None)).await;
        let answer = match answer.map_err(SourceError::of_one_record) {
            // Counted against the memory for answers, because callers collect many records.
            Ok(answer) => match client.kept(answer) {
                Some(answer) => answer,
                None => return Ok(LookupResult::NoRoom),
            },
            Err(error) if error.is_over_limit() => return Err(error),
            Err(error) => return from_partial(getter, error),
        };
        let raw = match answer.lookup(getter.path)? {
            Lookup::There(raw) => raw,
            other => return Ok(without_record(&answer, &other)),
        };
        if !entity.has_nested() || !nested::may_overflow(raw.get()) {
            return Ok(LookupResult::Found(receive(&answer, raw.get(), Timestamp::now())));
        }
        let record = receive(&answer, raw.get(), Timestamp::now());
        completed_in_turn(client, sizes, entity, record, &answer.without_body()).await
    }

    /// Looks up the record with several queries, because the API refuses one with all fields.
    async fn in_parts(&self, plan: &PartPlan, budget: &PartsBudget) -> Result<PartsLookup, SourceError> {
        let RecordQuery { client, sizes, entity, id, .. } = *self;
        let GivenParts { raw, fault, answer } = match self.request_parts(plan, budget).await? {
            GivenResult::Complete(given) => *given,
            GivenResult::Other(parts) => return Ok(parts),
        };
        let gathering = PartsRequest { client, sizes, budget };
        Ok(PartsLookup::Result(match gathering.record(plan, Some(id), raw, fault).await? {
            Gathered::TooLarge => return Ok(self.too_large(&answer)),
            Gathered::Whole(raw) if nested::may_overflow(&raw) => {
                let record = receive_completed(&answer, raw, Timestamp::now());
                completed(client, sizes, entity, record, &answer).await?
            }
            Gathered::Whole(raw) => LookupResult::Found(receive_completed(&answer, raw, Timestamp::now())),
            Gathered::Faulty { raw, fault, .. } => {
                LookupResult::Faulty(with_fault(receive_completed(&answer, raw, Timestamp::now()), &fault))
            }
            Gathered::Changed(at) if at.field.is_empty() => changed(id),
            Gathered::Changed(at) => LookupResult::Changed(format!("{id}: {}: {}", at.field, at.message)),
        }))
    }

    /// Requests each part from the getter.
    async fn request_parts(&self, plan: &PartPlan, budget: &PartsBudget) -> Result<GivenResult, SourceError> {
        let RecordQuery { client, sizes, getter, id, .. } = *self;
        let (mut given, mut fault, mut first) = (Vec::new(), None, None);
        for part in &plan.parts {
            let answer = client.post(&queries::record(getter, sizes, id, Some(part))).await;
            let error = match answer.map_err(SourceError::of_one_record) {
                Ok(answer) => {
                    match answer.lookup(getter.path)? {
                        Lookup::There(raw) if !budget.take(raw.get().len()) => {
                            return Ok(GivenResult::Other(self.too_large(&answer)));
                        }
                        Lookup::There(raw) => given.push(raw.get().to_owned()),
                        other if given.is_empty() => {
                            return Ok(GivenResult::Other(PartsLookup::Result(without_record(
                                &answer, &other,
                            ))));
                        }
                        _ => return Ok(GivenResult::Other(PartsLookup::Result(changed(id)))),
                    }
                    first.get_or_insert(answer.without_body());
                    continue;
                }
                Err(error) => error,
            };
            let partial = error.partial().filter(|_| !error.is_over_limit());
            let Some(partial) = partial else { return Err(error) };
            match partial.object(getter.path) {
                (_, faults) if faults.is_empty() => return Err(error),
                (None, faults) => {
                    let refused = LookupResult::Refused(faults[0].message.clone());
                    return Ok(GivenResult::Other(PartsLookup::Result(refused)));
                }
                (Some(raw), _) if !budget.take(raw.get().len()) => {
                    return Ok(GivenResult::Other(self.too_large(partial.answer())));
                }
                (Some(raw), faults) => {
                    given.push(raw.get().to_owned());
                    first.get_or_insert(partial.answer().clone().without_body());
                    let of_part = faults.into_iter().next();
                    fault = fault.or(of_part.map(|of_part| (of_part, error.clone().without_answer())));
                }
            }
        }
        Ok(match first {
            Some(answer) => GivenResult::Complete(Box::new(GivenParts { raw: given, fault, answer })),
            None => GivenResult::Other(PartsLookup::Result(changed(id))),
        })
    }

    /// The record with the fault that its parts are too large.
    fn too_large(&self, answer: &Answer) -> PartsLookup {
        let fault = NodeFault { field: String::new(), message: budget::too_large(), is_not_text: false };
        let bare = String::from_utf8_lossy(&bare(self.id)).into_owned();
        PartsLookup::TooLarge(with_fault(receive_completed(answer, bare, Timestamp::now()), &fault))
    }
}

fn changed(id: &str) -> LookupResult {
    LookupResult::Changed(format!("{id} changed while it was read"))
}

/// The result of an answer that holds no record.
fn without_record(answer: &Answer, found: &Lookup<'_>) -> LookupResult {
    match found {
        Lookup::Gone => LookupResult::Missing(exact::hold(&answer.body).json.into_owned()),
        _ => {
            let why = "the API answered null with an error that says \"not found\" without a code and the field's name";
            LookupResult::Unclear(why.to_owned())
        }
    }
}

/// The result of an answer in which fields of the record failed; the error itself if it names no field.
fn from_partial(getter: &Getter, error: SourceError) -> Result<LookupResult, SourceError> {
    let Some(partial) = error.partial() else { return Err(error) };
    let (object, faults) = partial.object(getter.path);
    let Some(fault) = faults.first() else { return Err(error) };
    Ok(match object {
        Some(raw) => {
            let record = receive(partial.answer(), raw.get(), Timestamp::now());
            // Not counted against the memory for answers: an error holds a copy of its answer.
            LookupResult::Faulty(Received { raw: partial.received(raw), ..with_fault(record, fault) })
        }
        None => LookupResult::Refused(fault.message.clone()),
    })
}
