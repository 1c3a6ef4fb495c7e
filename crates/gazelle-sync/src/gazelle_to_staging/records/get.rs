//! One record by its id, with one query or in parts.

use jiff::Timestamp;

use super::budget::{self, PartsBudget};
use super::completed::{completed, completed_in_turn};
use super::faults::{bare, faulty_one};
use super::gather::{Gathered, Gathering};
use super::lookup::LookupResult;
use super::nested;
use super::receive::{receive, receive_completed};
use crate::entities::{Entity, Getter};
use crate::gazelle_to_staging::requests::parts::PartPlan;
use crate::gazelle_to_staging::requests::queries;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{Answer, ErrorClass, GazelleClient, Lookup, NodeFault, SourceError};
use crate::staging::exact;
use crate::staging::versions::Received;

/// How often a record is asked for again that changed while it was read.
const MOST_CHANGED: u32 = 2;

/// Asks for one record by id. Errors: the API's, but for those that it answers with about this record.
pub async fn get(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
) -> Result<LookupResult, SourceError> {
    let query = RecordQuery { client, sizes, entity, getter, id };
    let (mut turn, mut changed) = (None, 0);
    loop {
        let sent = sizes.sent();
        let looked = match PartPlan::of_getter(entity, getter, sent.bounds) {
            Ok(plan) => match query.in_parts(&plan, &PartsBudget::new(turn.is_some())).await {
                Ok(Parts::Result(looked)) => Ok(looked),
                Ok(Parts::TooLarge(_)) if turn.is_none() => {
                    turn = sizes.turn_for_large().await;
                    continue;
                }
                Ok(Parts::TooLarge(record)) => Ok(LookupResult::Faulty(record)),
                Err(error) => Err(error),
            },
            Err(_) => {
                // It may need a turn of its own.
                drop(turn.take());
                query.whole().await
            }
        };
        match looked {
            Err(error) if matches!(error.class(), ErrorClass::OverLimit { .. }) => {
                if !sizes.smaller_record(entity, sent, &error) {
                    // Nothing was small enough: it is this record that the API speaks of, and no limit of its queries.
                    sizes.forget();
                    return Err(error);
                }
            }
            // Read once more, it may hold still.
            Ok(LookupResult::Changed(_)) if changed < MOST_CHANGED => changed += 1,
            looked => return looked,
        }
    }
}

/// A lookup of one record by its id.
struct RecordQuery<'q> {
    client: &'q GazelleClient,
    sizes: &'q Sizes,
    entity: &'static Entity,
    getter: &'q Getter,
    id: &'q str,
}

/// What came of a record in parts.
enum Parts {
    Result(LookupResult),
    /// They hold more than they may: what is wrong with it, should it be the only one.
    TooLarge(Received),
}

/// What the getter gave of a record in parts.
struct GivenParts {
    raw: Vec<String>,
    /// The first fault of them, with the error that told it.
    fault: Option<(NodeFault, SourceError)>,
    /// The first answer, without its body.
    answer: Answer,
}

/// What came of the parts that the getter gives.
enum Given {
    Parts(Box<GivenParts>),
    /// There is nothing to put together.
    Other(Parts),
}

impl RecordQuery<'_> {
    /// With one query.
    async fn whole(&self) -> Result<LookupResult, SourceError> {
        let RecordQuery { client, sizes, entity, getter, id } = *self;
        let answer = client.post(&queries::record(getter, sizes, id, None)).await;
        let answer = match answer.map_err(SourceError::of_one_record) {
            // Kept by whoever asks for many.
            Ok(answer) => match client.kept(answer) {
                Some(answer) => answer,
                None => return Ok(LookupResult::NoRoom),
            },
            Err(error) if matches!(error.class(), ErrorClass::OverLimit { .. }) => return Err(error),
            Err(error) => return in_part(getter, error),
        };
        let raw = match answer.lookup(getter.path)? {
            Lookup::There(raw) => raw,
            other => return Ok(without(&answer, &other)),
        };
        if !entity.has_nested() || !nested::may_overflow(raw.get()) {
            return Ok(LookupResult::Found(receive(&answer, raw.get(), Timestamp::now())));
        }
        let record = receive(&answer, raw.get(), Timestamp::now());
        completed_in_turn(client, sizes, entity, record, &answer.without_body()).await
    }

    /// With several queries, since the API bears none with all fields.
    async fn in_parts(&self, plan: &PartPlan, budget: &PartsBudget) -> Result<Parts, SourceError> {
        let RecordQuery { client, sizes, entity, id, .. } = *self;
        let GivenParts { raw, fault, answer } = match self.given(plan, budget).await? {
            Given::Parts(given) => *given,
            Given::Other(parts) => return Ok(parts),
        };
        let gathering = Gathering { client, sizes, budget };
        Ok(Parts::Result(match gathering.record(plan, Some(id), raw, fault).await? {
            Gathered::TooLarge => return Ok(self.too_large(&answer)),
            Gathered::Whole(raw) if nested::may_overflow(&raw) => {
                let record = receive_completed(&answer, raw, Timestamp::now());
                completed(client, sizes, entity, record, &answer).await?
            }
            Gathered::Whole(raw) => LookupResult::Found(receive_completed(&answer, raw, Timestamp::now())),
            Gathered::Faulty { raw, fault, .. } => {
                LookupResult::Faulty(faulty_one(receive_completed(&answer, raw, Timestamp::now()), &fault))
            }
            Gathered::Changed(at) if at.field.is_empty() => changed(id),
            Gathered::Changed(at) => LookupResult::Changed(format!("{id}: {}: {}", at.field, at.message)),
        }))
    }

    /// The parts that the getter gives, one query each.
    async fn given(&self, plan: &PartPlan, budget: &PartsBudget) -> Result<Given, SourceError> {
        let RecordQuery { client, sizes, getter, id, .. } = *self;
        let (mut given, mut fault, mut first) = (Vec::new(), None, None);
        for part in &plan.parts {
            let answer = client.post(&queries::record(getter, sizes, id, Some(part))).await;
            let error = match answer.map_err(SourceError::of_one_record) {
                Ok(answer) => {
                    match answer.lookup(getter.path)? {
                        Lookup::There(raw) if !budget.takes(raw.get().len()) => {
                            return Ok(Given::Other(self.too_large(&answer)));
                        }
                        Lookup::There(raw) => given.push(raw.get().to_owned()),
                        other if given.is_empty() => {
                            return Ok(Given::Other(Parts::Result(without(&answer, &other))));
                        }
                        _ => return Ok(Given::Other(Parts::Result(changed(id)))),
                    }
                    first.get_or_insert(answer.without_body());
                    continue;
                }
                Err(error) => error,
            };
            let found = error.partial().filter(|_| !matches!(error.class(), ErrorClass::OverLimit { .. }));
            let Some(partial) = found else { return Err(error) };
            match partial.object(getter.path) {
                (_, faults) if faults.is_empty() => return Err(error),
                (None, faults) => {
                    let refused = LookupResult::Refused(faults[0].message.clone());
                    return Ok(Given::Other(Parts::Result(refused)));
                }
                (Some(raw), _) if !budget.takes(raw.get().len()) => {
                    return Ok(Given::Other(self.too_large(partial.answer())));
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
            Some(answer) => Given::Parts(Box::new(GivenParts { raw: given, fault, answer })),
            None => Given::Other(Parts::Result(changed(id))),
        })
    }

    /// The record with the fault that its parts are too large, should it be so even alone.
    fn too_large(&self, answer: &Answer) -> Parts {
        let fault = NodeFault { field: String::new(), message: budget::too_large(), is_not_text: false };
        let bare = String::from_utf8_lossy(&bare(self.id)).into_owned();
        Parts::TooLarge(faulty_one(receive_completed(answer, bare, Timestamp::now()), &fault))
    }
}

fn changed(id: &str) -> LookupResult {
    LookupResult::Changed(format!("{id} changed while it was read"))
}

/// What an answer without the record comes to.
fn without(answer: &Answer, found: &Lookup<'_>) -> LookupResult {
    match found {
        Lookup::Gone => LookupResult::Missing(exact::hold(&answer.body).json.into_owned()),
        _ => {
            let why = "the API answered null with an error that says \"not found\" without a code and the field's name";
            LookupResult::Unclear(why.to_owned())
        }
    }
}

/// What an answer says of a record that is not whole; the error itself where it says nothing.
fn in_part(getter: &Getter, error: SourceError) -> Result<LookupResult, SourceError> {
    let Some(partial) = error.partial() else { return Err(error) };
    let (object, faults) = partial.object(getter.path);
    let Some(fault) = faults.first() else { return Err(error) };
    Ok(match object {
        Some(raw) => {
            let record = receive(partial.answer(), raw.get(), Timestamp::now());
            // Errors have bytes of their own.
            LookupResult::Faulty(Received { raw: partial.received(raw), ..faulty_one(record, fault) })
        }
        None => LookupResult::Refused(fault.message.clone()),
    })
}
