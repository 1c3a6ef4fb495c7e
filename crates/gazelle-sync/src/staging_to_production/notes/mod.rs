//! Notes the faults of versions, in staging and quarantine.

use jiff::Timestamp;
use uuid::Uuid;

use super::batch::Candidate;
use crate::db::DbError;
use crate::entities::Entity;
use crate::entities::read::RecordError;
use crate::lease::FencedTx;
use crate::staging::{outcome, quarantine};

/// Marks faulty versions with their reason, and opens their cases in the quarantine.
pub(super) async fn note_faults(
    tx: &FencedTx<'_>,
    entity: &Entity,
    faulty: &[(&Candidate, RecordError)],
    run_id: Uuid,
    at: Timestamp,
) -> Result<(), DbError> {
    let marks: Vec<(Uuid, &RecordError)> =
        faulty.iter().map(|(candidate, error)| (candidate.staging_id, error)).collect();
    outcome::faulty(tx, entity, &marks, at).await?;
    let faults: Vec<quarantine::NewCase<'_>> = faulty
        .iter()
        .map(|(candidate, error)| quarantine::NewCase {
            staging_id: candidate.staging_id,
            external_id: &candidate.external_id,
            error,
        })
        .collect();
    quarantine::open(tx, entity, &faults, run_id, at).await
}
