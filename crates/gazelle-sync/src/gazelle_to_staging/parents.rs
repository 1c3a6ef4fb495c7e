//! Fetching single records that quarantined ones wait for: an event of a client created a minute ago
//! must not wait for the next walk of clients.

use std::collections::HashMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::json;

use super::receive::{receive, receive_completed};
use super::{Fetch, FetchError, nested};
use crate::entities::{self, Entity, Getter};
use crate::source::{GazelleClient, GraphqlRequest, SourceError};
use crate::staging::quarantine::Wanted;
use crate::staging::versions::{self, Received, Staged};

/// Fetches the wanted parents and stages those that the API still knows; says what that came to, by entity. A parent
/// that it does not know, or cannot complete, is left: its children go on waiting.
pub async fn fetch(fetch: &Fetch, wanted: &[Wanted]) -> Result<HashMap<&'static str, Staged>, FetchError> {
    let requests: Vec<(&'static Entity, &'static Getter, &str)> =
        wanted.iter().filter_map(getter_of).collect();
    let mut answers = stream::iter(requests)
        .map(|(entity, getter, id)| async move {
            (entity, get(&fetch.client, fetch.page_size, entity, getter, id).await)
        })
        .buffer_unordered(fetch.concurrency.max(1));
    let mut staged: HashMap<&'static str, Staged> = HashMap::new();
    while let Some((entity, received)) = answers.next().await {
        if let Looked::There(received) = received? {
            let received = Received { seen_at: fetch.clock.now(), ..received };
            let mut connection = fetch.db.connection().await?;
            let tx = connection.begin().await?;
            fetch.fence.check(&tx).await?;
            let of_one = versions::stage(&tx, entity, fetch.run_id, &[received]).await?;
            *staged.entry(entity.name).or_default() += of_one;
            tx.commit().await?;
            crate::crash::at(crate::crash::Step::ParentStaged);
        }
    }
    Ok(staged)
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
    /// That there is none.
    Gone,
    /// A record that could not be read whole this time: why.
    Unsettled(String),
}

/// Asks for one record by id.
pub async fn get(
    client: &GazelleClient,
    page_size: u32,
    entity: &'static Entity,
    getter: &Getter,
    id: &str,
) -> Result<Looked, SourceError> {
    let request = GraphqlRequest::new(getter.operation, getter.query, json!({ "id": id }));
    let answer = client.post(&request).await?;
    let Some(raw) = answer.object_path(getter.path)? else { return Ok(Looked::Gone) };
    if entity.nested.is_empty() || !nested::may_overflow(raw.get()) {
        return Ok(Looked::There(receive(&answer, raw.get(), Timestamp::now())));
    }
    match nested::complete(client, entity, raw.get(), page_size).await {
        Ok(whole) => Ok(Looked::There(receive_completed(&answer, whole, Timestamp::now()))),
        Err(nested::NestedError::Source(error)) => Err(error),
        Err(nested::NestedError::Changed(what)) => {
            tracing::warn!(entity = entity.name, what, "a record changed while it was read");
            Ok(Looked::Unsettled(format!("{what} changed while it was read")))
        }
    }
}
