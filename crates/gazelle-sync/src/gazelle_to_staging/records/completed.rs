//! A single record whose long lists are completed: what that may take in memory.

use jiff::Timestamp;

use super::lists_room;
use super::nested::{self, NestedError};
use super::receive::receive_completed;
use crate::entities::Entity;
use crate::gazelle_to_staging::records::faults::{faulty_inside, faulty_one, is_about_all};
use crate::gazelle_to_staging::records::lookup::LookupResult;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{Answer, GazelleClient, NodeFault, SourceError};
use crate::staging::versions::Received;

/// Bytes of a record with a list that is not whole, from which on one at a time is completed.
const MOST_COMPLETED: usize = 1024 * 1024;
/// Bytes of one whose lists are whole: no more are kept.
const MOST_BYTES_WHOLE: usize = 2 * lists_room::MOST_BYTES;

fn too_large_to_complete() -> NodeFault {
    let message = format!(
        "it has more than {} MiB and a list that is not whole, or more than {} MiB with its lists",
        lists_room::MOST_BYTES / 1024 / 1024,
        MOST_BYTES_WHOLE / 1024 / 1024
    );
    NodeFault { field: String::new(), message, is_not_text: false }
}

/// As [`completed`], of a record that may be large: completing it takes several times its length.
pub(crate) async fn completed_in_turn(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    shortened: Received,
    answer: &Answer,
) -> Result<LookupResult, SourceError> {
    if shortened.raw.len() > lists_room::MOST_BYTES {
        return Ok(LookupResult::Faulty(faulty_one(shortened, &too_large_to_complete())));
    }
    let _turn = match shortened.raw.len() > MOST_COMPLETED {
        true => sizes.turn_for_large().await,
        false => None,
    };
    completed(client, sizes, entity, shortened, answer).await
}

/// The record with its long connections whole; `shortened` as it came.
pub(crate) async fn completed(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    shortened: Received,
    answer: &Answer,
) -> Result<LookupResult, SourceError> {
    let raw = std::str::from_utf8(&shortened.raw).unwrap_or_default();
    match nested::complete(client, entity, raw, sizes).await {
        Ok(whole) if whole.len() > MOST_BYTES_WHOLE => {
            Ok(LookupResult::Faulty(faulty_one(shortened, &too_large_to_complete())))
        }
        Ok(whole) => {
            drop(shortened);
            let record = receive_completed(answer, whole, Timestamp::now());
            Ok(match client.kept_bytes(record.raw) {
                Some(raw) => LookupResult::Found(Received { raw, ..record }),
                None => LookupResult::NoRoom,
            })
        }
        Err(NestedError::Source { error, .. }) if is_about_all(&error) => Err(error),
        Err(NestedError::Source { error, field }) => {
            Ok(LookupResult::Faulty(faulty_inside(shortened, &error, &field)))
        }
        Err(NestedError::Changed { field, said, .. }) => {
            tracing::warn!(entity = entity.name, field, said, "a list inside a record does not add up");
            Ok(LookupResult::Changed(format!("{field}: {said}")))
        }
    }
}
