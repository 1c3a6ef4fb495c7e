//! Fetching single records that quarantined ones wait for: an event of a client created a minute ago
//! must not wait for the next walk of clients.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::alone::{bare, faulty_one};
use super::apart::{Apart, Refused};
use super::completed::{completed, completed_in_turn};
use super::failures::{Failures, is_about_any_getter};
use super::in_parts::held::{self, Held};
use super::in_parts::plan::PartPlan;
use super::in_parts::{self, Gathered};
use super::nested;
use super::receive::{receive, receive_completed};
use super::sizes::Sizes;
use super::{Fetch, queries};
use crate::db::DbError;
use crate::entities::{self, Entity, Getter};
use crate::source::{Answer, ErrorClass, GazelleClient, Lookup, NodeFault, SourceError};
use crate::staging::exact;
use crate::staging::missing_parents::MissingParent;
use crate::staging::source_fault::{SourceFault, SourceFaultKind};
use crate::staging::versions::{self, Received, Staged};

/// What fetching parents came to.
#[derive(Debug, Default)]
pub struct Fetched {
    /// What staging those that the API knows came to, by entity.
    pub staged: HashMap<&'static str, Staged>,
    /// Those that staging refused, by entity and id, with the reason. They are among the missing too.
    pub refused: HashMap<&'static str, Refused>,
    /// Those that it does not know or cannot complete, or that there is no way to ask for: their children go on waiting.
    pub missing: Vec<MissingParent>,
    /// Those that were not asked for, since their entity's getter had failed too often.
    pub put_off: Vec<MissingParent>,
    /// Those that are there, and for which there was no room beside others.
    pub no_room: Vec<MissingParent>,
    /// The error of the API that ended the asking: the others were not asked for.
    pub failure: Option<SourceError>,
}

/// Fetches the wanted parents and stages those that the API still knows, some hundred in a transaction. `failures` are those of
/// the run so far.
///
/// # Errors
/// Those of the database; what was staged before stays.
pub async fn fetch(
    fetch: &Fetch,
    wanted: Vec<MissingParent>,
    failures: &Failures,
) -> Result<Fetched, DbError> {
    let mut fetched = Fetched::default();
    let mut answers = stream::iter(wanted)
        .map(|wanted| async move {
            let answer = match getter_of(&wanted) {
                Some((entity, _, _)) if failures.have_ended(entity) => Some((entity, None)),
                Some((entity, getter, id)) => {
                    let sizes = fetch.sizes.of(entity);
                    Some((entity, Some(get(&fetch.client, sizes, entity, getter, id).await)))
                }
                None => None,
            };
            (wanted, answer)
        })
        .buffer_unordered(fetch.concurrency.max(1));
    let mut received: Vec<Arrival> = Vec::new();
    while let Some((wanted, answer)) = answers.next().await {
        let Some((entity, answer)) = answer else {
            fetched.missing.push(wanted);
            continue;
        };
        match answer {
            None => fetched.put_off.push(wanted),
            Some(Err(error)) if is_about_any_getter(&error) => {
                fetched.failure = Some(error);
                break;
            }
            // A record that the API fails at keeps no other out: it has had its turn, and the next run asks for others first.
            Some(Err(error)) => {
                tracing::warn!(entity = entity.name, %error, "a missing parent cannot be had");
                fetched.missing.push(wanted);
                if failures.note(entity, &error) {
                    fetched.failure = Some(error);
                    break;
                }
            }
            Some(Ok(found)) => {
                failures.answered();
                fetched.take(fetch, entity, wanted, found, &mut received);
            }
        }
        let bytes: usize = received.iter().map(|arrival| arrival.record.raw.len()).sum();
        if received.len() >= fetch.batch_size.clamp(1, A_TRANSACTION) || bytes >= MOST_KEPT {
            stage_all(fetch, &mut received, &mut fetched).await?;
        }
    }
    drop(answers);
    stage_all(fetch, &mut received, &mut fetched).await?;
    Ok(fetched)
}

impl Fetched {
    /// Takes what the API answered about a parent.
    fn take(
        &mut self,
        fetch: &Fetch,
        entity: &'static Entity,
        wanted: MissingParent,
        found: LookupResult,
        received: &mut Vec<Arrival>,
    ) {
        match found {
            // A faulty one is staged too: its case in quarantine says what the records that name it wait for.
            LookupResult::Faulty(record) => {
                let record = Received { seen_at: fetch.clock.now(), ..record };
                received.push(Arrival { entity, record, wanted: wanted.clone() });
                // Its children wait all the same, and the next runs are not to ask each time.
                self.missing.push(wanted);
            }
            LookupResult::Found(record) => {
                let record = Received { seen_at: fetch.clock.now(), ..record };
                received.push(Arrival { entity, record, wanted });
            }
            LookupResult::Missing(_)
            | LookupResult::Refused(_)
            | LookupResult::Changed(_)
            | LookupResult::Unclear(_) => self.missing.push(wanted),
            LookupResult::NoRoom => self.no_room.push(wanted),
        }
    }
}

/// How often a record is asked for again that changed while it was read.
const MOST_CHANGED: u32 = 2;

/// Parents in one transaction at most.
const A_TRANSACTION: usize = 200;

/// Bytes of single records that are kept in memory before something is done with them.
pub const MOST_KEPT: usize = 16 * 1024 * 1024;

/// A parent that came.
struct Arrival {
    entity: &'static Entity,
    record: Received,
    wanted: MissingParent,
}

/// Stages what was received, of each entity in one transaction; what staging refuses, by itself.
async fn stage_all(fetch: &Fetch, received: &mut Vec<Arrival>, fetched: &mut Fetched) -> Result<(), DbError> {
    let mut by_entity: HashMap<&'static str, Vec<Arrival>> = HashMap::new();
    for arrival in received.drain(..) {
        by_entity.entry(arrival.entity.name).or_default().push(arrival);
    }
    for arrivals in by_entity.into_values() {
        let Some(entity) = arrivals.first().map(|arrival| arrival.entity) else { continue };
        let (records, wanted): (Vec<Received>, Vec<MissingParent>) =
            arrivals.into_iter().map(|arrival| (arrival.record, arrival.wanted)).unzip();
        let mut refused = Refused::new();
        let mut staged = Staged::default();
        let mut apart = Apart::new(&records, |record| &record.external_id);
        while let Some(part) = apart.next() {
            match stage(fetch, entity, part).await {
                Ok(of_part) => staged += of_part,
                Err(error) => apart.failed(part, error, &mut refused)?,
            }
        }
        *fetched.staged.entry(entity.name).or_default() += staged;
        let of_refused = records.iter().zip(wanted).filter(|(of, _)| refused.contains_key(&of.external_id));
        fetched.missing.extend(of_refused.map(|(_, wanted)| wanted));
        fetched.refused.entry(entity.name).or_default().append(&mut refused);
    }
    crate::crash::at(crate::crash::Step::ParentStaged);
    Ok(())
}

/// Stages records in a transaction of their own.
pub(super) async fn stage(
    fetch: &Fetch,
    entity: &'static Entity,
    records: &[Received],
) -> Result<Staged, DbError> {
    let mut connection = fetch.db.connection().await?;
    let tx = fetch.fence.begin(&mut connection).await?;
    let staged = versions::stage(&tx, entity, fetch.run_id, records).await?;
    tx.commit().await?;
    Ok(staged)
}

/// The way to a parent: its own getter, or one through the record that waits for it.
fn getter_of(wanted: &MissingParent) -> Option<(&'static Entity, &'static Getter, &str)> {
    let entity = entities::entity_of_table(&wanted.table)?;
    if let Some(getter) = &entity.getter {
        return Some((entity, getter, &wanted.external_id));
    }
    let (child, getter) = entity.found_through.as_ref()?;
    (*child == wanted.child_entity).then_some((entity, getter, &wanted.child_external_id))
}

/// What the API answered to the question for one record.
pub enum LookupResult {
    /// The record.
    Found(Received),
    /// The API says that there is none, with the whole answer as `jsonb` takes it.
    Missing(String),
    /// The record with its fault: the API could not give it whole.
    Faulty(Received),
    /// Nothing of a record, and an error in place of it: what the API said.
    Refused(String),
    /// A record that changed while it was read: what. Another try may read it whole.
    Changed(String),
    /// No record, and no word that there is none: what was answered.
    Unclear(String),
    /// It is there, and large, and as much as may be is kept in memory of others: another run asks for it.
    NoRoom,
}

/// Asks for one record by id. Errors: the API's, but for those that it answers with about this record.
pub async fn get(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
) -> Result<LookupResult, SourceError> {
    let (mut turn, mut changed) = (None, 0);
    loop {
        let sent = sizes.sent();
        let looked = match PartPlan::of_getter(entity, getter, sent.bounds) {
            Ok(plan) => {
                let held = Held::nothing(turn.is_some());
                match get_in_parts(client, sizes, entity, getter, id, &plan, &held).await {
                    Ok(Parts::Result(looked)) => Ok(looked),
                    Ok(Parts::TooLarge(_)) if turn.is_none() => {
                        turn = sizes.turn_for_large().await;
                        continue;
                    }
                    Ok(Parts::TooLarge(record)) => Ok(LookupResult::Faulty(record)),
                    Err(error) => Err(error),
                }
            }
            Err(_) => {
                // It may need a turn of its own.
                drop(turn.take());
                get_whole(client, sizes, entity, getter, id).await
            }
        };
        match looked {
            Err(error)
                if matches!(error.class(), ErrorClass::OverLimit { .. })
                    && sizes.smaller_record(entity, sent, &error) => {}
            // Read once more, it may hold still.
            Ok(LookupResult::Changed(_)) if changed < MOST_CHANGED => changed += 1,
            looked => return looked,
        }
    }
}

/// With one query.
async fn get_whole(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
) -> Result<LookupResult, SourceError> {
    let answer = match client.post(&queries::record(getter, sizes, id, None)).await {
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

/// What came of a record in parts.
enum Parts {
    Result(LookupResult),
    /// They hold more than they may: what is wrong with it, should it be the only one.
    TooLarge(Received),
}

/// With several queries, since the API bears none with all fields.
async fn get_in_parts(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
    plan: &PartPlan,
    held: &Held,
) -> Result<Parts, SourceError> {
    let too_large = |answer: &Answer| {
        let of_parts = NodeFault { field: String::new(), message: held::too_large(), is_not_text: false };
        let bare = String::from_utf8_lossy(&bare(id)).into_owned();
        Ok(Parts::TooLarge(faulty_one(receive_completed(answer, bare, Timestamp::now()), &of_parts)))
    };
    let (mut given, mut fault, mut first) = (Vec::new(), None, None);
    for part in &plan.parts {
        let error = match client.post(&queries::record(getter, sizes, id, Some(part))).await {
            Ok(answer) => {
                match answer.lookup(getter.path)? {
                    Lookup::There(raw) if !held.takes(raw.get().len()) => return too_large(&answer),
                    Lookup::There(raw) => given.push(raw.get().to_owned()),
                    other if given.is_empty() => return Ok(Parts::Result(without(&answer, &other))),
                    _ => return Ok(Parts::Result(changed(id))),
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
            (None, faults) => return Ok(Parts::Result(LookupResult::Refused(faults[0].message.clone()))),
            (Some(raw), _) if !held.takes(raw.get().len()) => return too_large(partial.answer()),
            (Some(raw), faults) => {
                given.push(raw.get().to_owned());
                first.get_or_insert(partial.answer().clone().without_body());
                let of_part = faults.into_iter().next();
                fault = fault.or(of_part.map(|of_part| (of_part, error.clone().without_answer())));
            }
        }
    }
    let Some(answer) = first else { return Ok(Parts::Result(changed(id))) };
    Ok(Parts::Result(match in_parts::gather(client, sizes, plan, Some(id), given, fault, held).await? {
        Gathered::TooLarge => return too_large(&answer),
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

/// A record of which one list could not be read to its end.
pub(super) fn faulty_inside(record: Received, error: &SourceError, field: &str) -> Received {
    let said = match error.partial().and_then(|partial| partial.object(&[]).1.into_iter().next()) {
        Some(fault) => fault.message,
        None => error.to_string(),
    };
    let fault = SourceFault { field: field.to_owned(), said, kind: SourceFaultKind::Incomplete };
    Received { fault: Some(Box::new(fault)), ..record }
}
