//! Fetching single records that quarantined ones wait for: an event of a client created a minute ago
//! must not wait for the next walk of clients.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::alone::{faulty_one, is_about_all};
use super::nested::{self, NestedError};
use super::receive::{receive, receive_completed};
use super::sizes::Sizes;
use super::{Fetch, FetchError, queries};
use crate::entities::{self, Entity, Getter};
use crate::source::{ErrorClass, GazelleClient, Lookup, SourceError};
use crate::staging::exact;
use crate::staging::missing_parents::Wanted;
use crate::staging::source_fault::{SourceFault, SourceFaultKind};
use crate::staging::versions::{self, Received, Staged};

/// What fetching parents came to.
#[derive(Debug, Default)]
pub struct Fetched {
    /// What staging those that the API knows came to, by entity.
    pub staged: HashMap<&'static str, Staged>,
    /// Those that it does not know or cannot complete, or that there is no way to ask for: their children go on waiting.
    pub missing: Vec<Wanted>,
}

/// Fetches the wanted parents and stages those that the API still knows, some hundred in a transaction.
///
/// # Errors
/// Those of the API and of the database; what was staged before stays.
pub async fn fetch(fetch: &Fetch, wanted: Vec<Wanted>) -> Result<Fetched, FetchError> {
    let mut fetched = Fetched::default();
    let mut answers = stream::iter(wanted)
        .map(|wanted| async move {
            let answer = match getter_of(&wanted) {
                Some((entity, getter, id)) => {
                    Some((entity, get(&fetch.client, fetch.sizes.of(entity), entity, getter, id).await))
                }
                None => None,
            };
            (wanted, answer)
        })
        .buffer_unordered(fetch.concurrency.max(1));
    let mut received: Vec<(&'static Entity, Received)> = Vec::new();
    let mut failed = 0;
    while let Some((wanted, answer)) = answers.next().await {
        match answer {
            Some((entity, answer)) => match answer {
                // A faulty one is staged too: its case in quarantine says what the records that name it wait for.
                Ok(Looked::Faulty(record)) => {
                    received.push((entity, Received { seen_at: fetch.clock.now(), ..record }));
                    // Its children wait all the same, and the next runs are not to ask each time.
                    fetched.missing.push(wanted);
                }
                Ok(Looked::There(record)) => {
                    received.push((entity, Received { seen_at: fetch.clock.now(), ..record }));
                }
                Ok(Looked::Gone(_) | Looked::Refused(_) | Looked::Unsettled(_)) => {
                    fetched.missing.push(wanted)
                }
                // One record that the API fails at keeps no other out.
                Err(error) if !is_about_all(&error) && failed < MOST_FAILED => {
                    tracing::warn!(entity = entity.name, %error, "a missing parent cannot be had");
                    failed += 1;
                    fetched.missing.push(wanted);
                }
                Err(error) => {
                    stage(fetch, &mut received, &mut fetched).await?;
                    return Err(error.into());
                }
            },
            None => fetched.missing.push(wanted),
        }
        let bytes: usize = received.iter().map(|(_, record)| record.raw.len()).sum();
        if received.len() >= fetch.batch_size.clamp(1, A_TRANSACTION) || bytes >= MOST_KEPT {
            stage(fetch, &mut received, &mut fetched).await?;
        }
    }
    stage(fetch, &mut received, &mut fetched).await?;
    Ok(fetched)
}

/// Parents that the API fails at, before it is taken to fail as such.
const MOST_FAILED: usize = 5;

/// Parents in one transaction at most.
const A_TRANSACTION: usize = 200;

/// Bytes of single records that are kept in memory before something is done with them.
pub const MOST_KEPT: usize = 16 * 1024 * 1024;

/// Stages what was received, of each entity in one statement.
async fn stage(
    fetch: &Fetch,
    received: &mut Vec<(&'static Entity, Received)>,
    fetched: &mut Fetched,
) -> Result<(), FetchError> {
    if received.is_empty() {
        return Ok(());
    }
    let mut by_entity: HashMap<&'static str, (&'static Entity, Vec<Received>)> = HashMap::new();
    for (entity, record) in received.drain(..) {
        by_entity.entry(entity.name).or_insert_with(|| (entity, Vec::new())).1.push(record);
    }
    let mut connection = fetch.db.connection().await?;
    let tx = connection.begin().await?;
    fetch.fence.check(&tx).await?;
    for (entity, records) in by_entity.values() {
        let staged = versions::stage(&tx, entity, fetch.run_id, records).await?;
        *fetched.staged.entry(entity.name).or_default() += staged;
    }
    tx.commit().await?;
    crate::crash::at(crate::crash::Step::ParentStaged);
    Ok(())
}

/// The way to a parent: its own getter, or one through the record that waits for it.
fn getter_of(wanted: &Wanted) -> Option<(&'static Entity, &'static Getter, &str)> {
    let entity = entities::entity_of_table(&wanted.table)?;
    if let Some(getter) = &entity.getter {
        return Some((entity, getter, &wanted.external_id));
    }
    let (child, getter) = entity.found_through.as_ref()?;
    (*child == wanted.child_entity).then_some((entity, getter, &wanted.child_external_id))
}

/// What the API answered to the question for one record.
pub enum Looked {
    /// The record.
    There(Received),
    /// That there is none, with the whole answer as `jsonb` takes it.
    Gone(String),
    /// The record with its fault: the API could not give it whole.
    Faulty(Received),
    /// Nothing of a record, and an error in place of it: what the API said.
    Refused(String),
    /// A record that could not be read whole this time: why.
    Unsettled(String),
}

/// Asks for one record by id. Errors: the API's, but for those that it answers with about this record.
pub async fn get(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
) -> Result<Looked, SourceError> {
    let answer = loop {
        match client.post(&queries::record(getter, sizes, id)).await {
            // Kept by whoever asks for many.
            Ok(answer) => break answer.copied(),
            Err(error)
                if matches!(error.class(), ErrorClass::OverLimit { .. }) && sizes.fewer_inside(&error) => {}
            Err(error) => return in_part(getter, error),
        }
    };
    let raw = match answer.lookup(getter.path)? {
        Lookup::There(raw) => raw,
        Lookup::Gone => return Ok(Looked::Gone(exact::hold(&answer.body).json.into_owned())),
        Lookup::Unclear => {
            let why = "the API answered null with an error that says \"not found\" without a code and the field's name";
            return Ok(Looked::Unsettled(why.to_owned()));
        }
    };
    if entity.nested.is_empty() || !nested::may_overflow(raw.get()) {
        return Ok(Looked::There(receive(&answer, raw.get(), Timestamp::now())));
    }
    match nested::complete(client, entity, raw.get(), sizes).await {
        Ok(whole) => Ok(Looked::There(receive_completed(&answer, whole, Timestamp::now()))),
        Err(NestedError::Source { error, .. }) if is_about_all(&error) => Err(error),
        Err(NestedError::Source { error, field }) => {
            let record = receive(&answer, raw.get(), Timestamp::now());
            Ok(Looked::Faulty(faulty_inside(record, &error, &field)))
        }
        Err(NestedError::Changed(what)) => {
            tracing::warn!(entity = entity.name, what, "a record changed while it was read");
            Ok(Looked::Unsettled(format!("{what} changed while it was read")))
        }
    }
}

/// What an answer says of a record that is not whole; the error itself where it says nothing.
fn in_part(getter: &Getter, error: SourceError) -> Result<Looked, SourceError> {
    let Some(partial) = error.partial() else { return Err(error) };
    let (object, faults) = partial.object(getter.path);
    let Some(fault) = faults.first() else { return Err(error) };
    Ok(match object {
        Some(raw) => {
            let record = receive(partial.answer(), raw.get(), Timestamp::now());
            // As above.
            let raw = Bytes::copy_from_slice(&partial.received(raw));
            Looked::Faulty(Received { raw, ..faulty_one(record, fault) })
        }
        None => Looked::Refused(fault.message.clone()),
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
