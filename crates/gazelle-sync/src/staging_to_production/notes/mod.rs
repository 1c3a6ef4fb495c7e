//! Notes the faults of versions, in staging and quarantine, and the quality warnings of written records.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::batch::{Candidate, Good};
use crate::db::{DbError, Param};
use crate::entities::Entity;
use crate::entities::read::RecordError;
use crate::lease::FencedTx;
use crate::staging::{outcome, quarantine, written};

/// The table of warnings, for messages.
const TABLE: &str = "sync_quality_warnings";

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
    let faults: Vec<quarantine::Fault<'_>> = faulty
        .iter()
        .map(|(candidate, error)| quarantine::Fault {
            staging_id: candidate.staging_id,
            external_id: &candidate.external_id,
            error,
        })
        .collect();
    quarantine::open(tx, entity, &faults, run_id, at).await
}

/// Replaces the quality warnings of these records by those of their newest versions. `bare`: there are none to
/// replace.
pub(super) async fn note_warnings(
    tx: &FencedTx<'_>,
    entity: &Entity,
    good: &[Good<'_>],
    run_id: Uuid,
    at: Timestamp,
    bare: bool,
) -> Result<(), DbError> {
    let ids: Vec<&str> = good.iter().map(|good| good.candidate.external_id.as_str()).collect();
    let (mut external_ids, mut codes, mut fields, mut staging_ids) = (vec![], vec![], vec![], vec![]);
    let (mut columns, mut shapes) = (vec![], vec![]);
    let mut noted: HashSet<(&str, &str, &str)> = HashSet::new();
    for good in good {
        for warning in &good.reconciled.warnings {
            if noted.insert((&good.candidate.external_id, warning.code, &warning.field)) {
                external_ids.push(good.candidate.external_id.as_str());
                codes.push(warning.code);
                fields.push(warning.field.as_str());
                staging_ids.push(good.candidate.staging_id);
                columns.push(warning.column.as_deref());
                shapes.push(warning.shape.as_deref());
            }
        }
    }
    if !bare {
        let params: [Param<'_>; 5] = [
            (&entity.name, Type::TEXT),
            (&ids, Type::TEXT_ARRAY),
            (&external_ids, Type::TEXT_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&fields, Type::TEXT_ARRAY),
        ];
        let settled = tx.query(include_str!("settled.sql"), &params).await?;
        drop_settled(tx, entity, &settled).await?;
    }
    if codes.is_empty() {
        return Ok(());
    }
    let noted = tx
        .query(
            include_str!("note.sql"),
            &[
                (&entity.name, Type::TEXT),
                (&external_ids, Type::TEXT_ARRAY),
                (&codes, Type::TEXT_ARRAY),
                (&fields, Type::TEXT_ARRAY),
                (&staging_ids, Type::UUID_ARRAY),
                (&run_id, Type::UUID),
                (&at, Type::TIMESTAMPTZ),
                (&columns, Type::TEXT_ARRAY),
                (&shapes, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    // No two are of one key, so that each is returned once.
    written::check(tx, TABLE, codes.len().saturating_sub(noted.len()), "noted").await
}

/// Deletes warnings that no longer hold, given their keys.
async fn drop_settled(tx: &FencedTx<'_>, entity: &Entity, settled: &[Row]) -> Result<(), DbError> {
    if settled.is_empty() {
        return Ok(());
    }
    let [ids, codes, fields]: [Vec<&str>; 3] =
        ["external_id", "code", "field"].map(|column| settled.iter().map(|row| row.get(column)).collect());
    let params: [Param<'_>; 4] = [
        (&entity.name, Type::TEXT),
        (&ids, Type::TEXT_ARRAY),
        (&codes, Type::TEXT_ARRAY),
        (&fields, Type::TEXT_ARRAY),
    ];
    let gone = tx.query(include_str!("drop_settled.sql"), &params).await?;
    written::check(tx, TABLE, settled.len().saturating_sub(gone.len()), "removed").await
}
