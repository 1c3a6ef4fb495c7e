//! Notes the quality warnings of written records, and removes those that no longer hold. A warning that the database
//! refuses does not hold back its record: the run's report names it, and the next run tries again.

use std::collections::{BTreeMap, HashSet};

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::batch::ReadCandidate;
use super::gaps::Applying;
use crate::db::{DbError, Param, Refusals};
use crate::entities::{Entity, WarningCode};
use crate::lease::FencedTx;
use crate::staging::notes::unnoted;
use crate::staging::written;

/// The table of warnings, for messages.
const TABLE: &str = "sync_quality_warnings";

/// A warning of a record.
struct RecordedWarning<'w> {
    code: WarningCode,
    field: &'w str,
    staging_id: Uuid,
    column: Option<&'w str>,
    shape: Option<&'w str>,
}

/// What is to be changed in the warnings of a record.
#[derive(Default)]
struct WarningChanges<'w> {
    external_id: String,
    noted: Vec<RecordedWarning<'w>>,
    /// Code and field of those that no longer hold.
    settled: Vec<(String, String)>,
}

impl WarningChanges<'_> {
    /// The first of the warnings, for a message.
    fn first(&self) -> String {
        let noted = self.noted.first().map(|noted| (noted.code.as_str(), noted.field));
        let settled = self.settled.first().map(|(code, field)| (code.as_str(), field.as_str()));
        let (code, field) = noted.or(settled).unwrap_or_default();
        format!("{code} {field}").trim_end().to_owned()
    }
}

/// Replaces the quality warnings of these records by those of their newest versions. `is_first_write`: there are none to
/// replace.
pub(super) async fn note_warnings(
    tx: &FencedTx<'_>,
    entity: &Entity,
    good: &[ReadCandidate<'_>],
    run: &Applying<'_>,
    is_first_write: bool,
) -> Result<(), DbError> {
    let changes = changes(tx, entity, good, is_first_write).await?;
    let mut parts = Refusals::new(&changes);
    while let Some(part) = parts.next_part() {
        let changed = tx.in_savepoint(change(tx, entity, part, run)).await?;
        parts.add_result(part, changed)?;
    }
    let refused = parts.into_refused();
    if refused.is_empty() {
        return Ok(());
    }
    for (changes, why) in &refused {
        run.gaps.unnoted.note(entity, &changes.external_id, format!("{}: {why}", changes.first()));
    }
    let records: Vec<&str> = refused.iter().map(|(changes, _)| changes.external_id.as_str()).collect();
    unnoted::note(tx, entity, &records).await
}

/// What is to be changed, by record.
async fn changes<'w>(
    tx: &FencedTx<'_>,
    entity: &Entity,
    good: &'w [ReadCandidate<'_>],
    is_first_write: bool,
) -> Result<Vec<WarningChanges<'w>>, DbError> {
    let mut by_record: BTreeMap<&str, WarningChanges<'w>> = BTreeMap::new();
    let mut known: HashSet<(&str, WarningCode, &str)> = HashSet::new();
    for good in good {
        let id = good.candidate.external_id.as_str();
        for warning in &good.reconciled.warnings {
            if known.insert((id, warning.code, &warning.field)) {
                by_record.entry(id).or_default().noted.push(RecordedWarning {
                    code: warning.code,
                    field: &warning.field,
                    staging_id: good.candidate.staging_id,
                    column: warning.column.as_deref(),
                    shape: warning.shape.as_deref(),
                });
            }
        }
    }
    let ids: Vec<&str> = good.iter().map(|good| good.candidate.external_id.as_str()).collect();
    let settled = match is_first_write {
        true => Vec::new(),
        false => {
            let (mut of, mut codes, mut fields) = (vec![], vec![], vec![]);
            for (id, changes) in &by_record {
                for noted in &changes.noted {
                    of.push(*id);
                    codes.push(noted.code.as_str());
                    fields.push(noted.field);
                }
            }
            let params: [Param<'_>; 5] = [
                (&entity.name, Type::TEXT),
                (&ids, Type::TEXT_ARRAY),
                (&of, Type::TEXT_ARRAY),
                (&codes, Type::TEXT_ARRAY),
                (&fields, Type::TEXT_ARRAY),
            ];
            tx.query(include_str!("notes/settled.sql"), &params).await?
        }
    };
    let ids: HashSet<&str> = ids.into_iter().collect();
    for row in &settled {
        if let Some(id) = ids.get(row.get::<_, &str>("external_id")) {
            by_record.entry(id).or_default().settled.push((row.get("code"), row.get("field")));
        }
    }
    let named =
        |(id, changes): (&str, WarningChanges<'w>)| WarningChanges { external_id: id.to_owned(), ..changes };
    Ok(by_record.into_iter().map(named).collect())
}

/// Changes the warnings of some records.
async fn change(
    tx: &FencedTx<'_>,
    entity: &Entity,
    part: &[WarningChanges<'_>],
    run: &Applying<'_>,
) -> Result<(), DbError> {
    let (mut ids, mut codes, mut fields) = (vec![], vec![], vec![]);
    for changes in part {
        for (code, field) in &changes.settled {
            ids.push(changes.external_id.as_str());
            codes.push(code.as_str());
            fields.push(field.as_str());
        }
    }
    if !ids.is_empty() {
        let params: [Param<'_>; 4] = [
            (&entity.name, Type::TEXT),
            (&ids, Type::TEXT_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&fields, Type::TEXT_ARRAY),
        ];
        let gone = tx.query(include_str!("notes/drop_settled.sql"), &params).await?;
        written::check(tx, TABLE, ids.len().saturating_sub(gone.len()), "removed").await?;
    }
    let noted: Vec<(&str, &RecordedWarning<'_>)> = part
        .iter()
        .flat_map(|changes| changes.noted.iter().map(|noted| (changes.external_id.as_str(), noted)))
        .collect();
    if noted.is_empty() {
        return Ok(());
    }
    let [ids, codes, fields]: [Vec<&str>; 3] = [
        noted.iter().map(|(id, _)| *id).collect(),
        noted.iter().map(|(_, noted)| noted.code.as_str()).collect(),
        noted.iter().map(|(_, noted)| noted.field).collect(),
    ];
    let staging_ids: Vec<Uuid> = noted.iter().map(|(_, noted)| noted.staging_id).collect();
    let columns: Vec<Option<&str>> = noted.iter().map(|(_, noted)| noted.column).collect();
    let shapes: Vec<Option<&str>> = noted.iter().map(|(_, noted)| noted.shape).collect();
    let params: [Param<'_>; 9] = [
        (&entity.name, Type::TEXT),
        (&ids, Type::TEXT_ARRAY),
        (&codes, Type::TEXT_ARRAY),
        (&fields, Type::TEXT_ARRAY),
        (&staging_ids, Type::UUID_ARRAY),
        (&run.run_id, Type::UUID),
        (&run.at, Type::TIMESTAMPTZ),
        (&columns, Type::TEXT_ARRAY),
        (&shapes, Type::TEXT_ARRAY),
    ];
    let written = tx.query(include_str!("notes/note.sql"), &params).await?;
    // No two are of one key, so that each is returned once.
    written::check(tx, TABLE, noted.len().saturating_sub(written.len()), "noted").await
}
