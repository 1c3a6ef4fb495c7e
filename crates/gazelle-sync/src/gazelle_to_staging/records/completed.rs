//! Completes the lists of a single record, within the memory that a record may take.

use jiff::Timestamp;

use super::lists_room;
use super::nested::{self, NestedError};
use super::receive::receive_completed;
use crate::entities::Entity;
use crate::gazelle_to_staging::records::faults::{concerns_all_records, with_fault, with_list_fault};
use crate::gazelle_to_staging::records::lookup::LookupResult;
use crate::gazelle_to_staging::requests::sizes::Sizes;
use crate::source::{Answer, GazelleClient, NodeFault, SourceError};
use crate::staging::versions::Received;

/// Above this size only one record with a shortened list is completed at a time.
const MOST_COMPLETED: usize = 1024 * 1024;
/// The most bytes of a record with complete lists.
const MOST_BYTES_WHOLE: usize = 2 * lists_room::MOST_BYTES;

fn too_large_to_complete() -> NodeFault {
    let message = format!(
        "it has more than {} MiB and a list that is not whole, or more than {} MiB with its lists",
        lists_room::MOST_BYTES / 1024 / 1024,
        MOST_BYTES_WHOLE / 1024 / 1024
    );
    NodeFault { field: String::new(), message, is_not_text: false }
}

/// As [`completed`], but one large record at a time, because completing one takes several times its length in
/// memory.
pub(crate) async fn completed_in_turn(
    client: &GazelleClient,
    sizes: &Sizes,
    entity: &'static Entity,
    shortened: Received,
    answer: &Answer,
) -> Result<LookupResult, SourceError> {
    if shortened.raw.len() > lists_room::MOST_BYTES {
        return Ok(LookupResult::Faulty(with_fault(shortened, &too_large_to_complete())));
    }
    let _slot = match shortened.raw.len() > MOST_COMPLETED {
        true => sizes.large_slot().await,
        false => None,
    };
    completed(client, sizes, entity, shortened, answer).await
}

/// The record with its long lists complete. `shortened` is the record as the API gave it.
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
            Ok(LookupResult::Faulty(with_fault(shortened, &too_large_to_complete())))
        }
        Ok(whole) => {
            drop(shortened);
            let record = receive_completed(answer, whole, Timestamp::now());
            Ok(match client.kept_bytes(record.raw) {
                Some(raw) => LookupResult::Found(Received { raw, ..record }),
                None => LookupResult::NoRoom,
            })
        }
        Err(NestedError::Source { error, .. }) if concerns_all_records(&error) => Err(error),
        Err(NestedError::Source { error, field }) => {
            Ok(LookupResult::Faulty(with_list_fault(shortened, &error, &field)))
        }
        Err(NestedError::Changed { field, said, .. }) => {
            tracing::warn!(entity = entity.name, field, said, "a list inside a record does not add up");
            Ok(LookupResult::Changed(format!("{field}: {said}")))
        }
    }
}
