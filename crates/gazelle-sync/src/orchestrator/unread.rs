//! Judges what a run could not read: records that it quarantined, and fields that are NULL because of it.
//!
//! A run that newly quarantines more records than the guard allows is partial. Unreadable fields are a warning of
//! the run.

use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::config::Guard;
use crate::db::{Db, DbError};
use crate::entities::{self, ENTITIES, Entity, read::UNREADABLE_FIELD};
use crate::run_log::report::{RunOutcome, RunReport, RunWarning, RunWarningCode};
use crate::run_log::unlisted::unlisted;
use crate::staging_to_production::{LeftOfEntity, Unread};

/// Most reasons or columns that a message names.
const NAMED: usize = 5;

/// Adds to the report what the run could not read, and marks the run as partial if more records are newly in
/// quarantine than the guard allows. `not_whole` names the entities of which this run could not read every record
/// whole. [`super::judge::compare`] must have filled the counts of the entities.
///
/// # Errors
/// The database's.
pub async fn judge(db: &Db, report: &mut RunReport, guard: Guard, not_whole: &[&str]) -> Result<(), DbError> {
    judge_quarantine(db, report, guard).await?;
    note_waiting(db, report, not_whole).await?;
    if report.processed > 0 {
        note_unreadable_fields(db, report).await?;
    }
    report.add_up();
    Ok(())
}

async fn judge_quarantine(db: &Db, report: &mut RunReport, guard: Guard) -> Result<(), DbError> {
    let rows = db.query(include_str!("newly_quarantined.sql"), &[(&report.run_id, Type::UUID)]).await?;
    for (entity, reasons) in by_entity(rows.iter().map(|row| {
        let (code, field): (String, String) = (row.get("error_code"), row.get("named_field"));
        let reason = format!("{code} {field}").trim_end().to_owned();
        (row.get("entity"), reason, row.get::<_, i64>("count") as u64)
    })) {
        let newly: u64 = reasons.iter().map(|(_, count)| count).sum();
        let Some(of_entity) = report.entities.iter_mut().find(|e| e.entity == entity) else { continue };
        of_entity.quarantined = newly;
        let limit = guard.larger(of_entity.in_staging.unwrap_or_default());
        if newly > limit {
            report.note(
                RunOutcome::Partial,
                format!(
                    "{entity}: {newly} records were newly quarantined, more than the {limit} that the quarantine guard allows \
                     ({}); they stay in staging, and all others are in production: `gazelle-sync errors` lists them with their \
                     reasons",
                    named(&reasons)
                ),
            );
        }
    }
    Ok(())
}

/// Notes how many records wait for parents of entities that this run could not read whole.
async fn note_waiting(db: &Db, report: &mut RunReport, not_whole: &[&str]) -> Result<(), DbError> {
    if not_whole.is_empty() {
        return Ok(());
    }
    for row in db.query(include_str!("waiting_for.sql"), &[]).await? {
        let (entity, table): (String, String) = (row.get("entity"), row.get("waits_for"));
        let parent = entities::entity_of_table(&table).map(|parent| parent.name);
        if let Some(parent) = parent.filter(|parent| not_whole.contains(parent)) {
            let records: i64 = row.get("records");
            report.note(
                RunOutcome::Partial,
                format!(
                    "{entity}: {records} record(s) wait in quarantine for {parent} that this run could not read whole, nor by \
                     their ids; each is written when the record that it names is"
                ),
            );
        }
    }
    Ok(())
}

/// Notes which lists the last walks could not read to their ends, of entities that the run `run_id` does not walk: without it,
/// the records that name what is missing of them would be blamed.
///
/// # Errors
/// The database's.
pub async fn note_unlisted_before(
    db: &Db,
    unread: &Unread,
    walked: &[&'static Entity],
    run_id: Uuid,
) -> Result<(), DbError> {
    let is_walked = |entity: &Entity| walked.iter().any(|walked| walked.name == entity.name);
    let others = ENTITIES.iter().copied().filter(|entity| !is_walked(entity));
    unlisted(db, others, run_id).await?.into_iter().for_each(|entity| unread.note_unlisted(entity));
    Ok(())
}

/// How many records stay pending because they name parents that could not be listed: one sentence for each entity.
pub fn pending_reasons(unread: &Unread) -> Vec<String> {
    let reason = |left: LeftOfEntity| {
        let mut parents: Vec<&str> = left
            .tables
            .iter()
            .map(|table| entities::entity_of_table(table).map_or(*table, |parent| parent.name))
            .collect();
        parents.sort_unstable();
        parents.dedup();
        let named = match parents.is_empty() {
            true => "records that stay pending themselves".to_owned(),
            false => format!("{} that could not be listed", parents.join(", ")),
        };
        format!(
            "{}: {} record(s) stay pending, since they name {named}: they are staged, and each is written as soon as the record \
             that it names can be read",
            left.entity, left.records
        )
    };
    unread.left().into_iter().map(reason).collect()
}

async fn note_unreadable_fields(db: &Db, report: &mut RunReport) -> Result<(), DbError> {
    let rows = db.query(include_str!("unreadable_fields.sql"), &[(&report.run_id, Type::UUID)]).await?;
    for (entity, columns) in by_entity(
        rows.iter().map(|row| (row.get("entity"), row.get("what"), row.get::<_, i64>("count") as u64)),
    ) {
        let fields: u64 = columns.iter().map(|(_, count)| count).sum();
        if let Some(of_entity) = report.entities.iter_mut().find(|e| e.entity == entity) {
            of_entity.unreadable_fields = fields;
        }
        report.warnings.push(RunWarning {
            code: RunWarningCode::UnreadableField,
            message: format!(
                "{entity}: {fields} field(s) could not be read ({}); their records are in production without them: `gazelle-sync \
                 warnings --entity {entity} --code {UNREADABLE_FIELD}`",
                named(&columns)
            ),
            subject: entity,
        });
    }
    Ok(())
}

/// Groups rows of entity, reason and count by entity; the rows must be sorted by entity.
fn by_entity(rows: impl Iterator<Item = (String, String, u64)>) -> Vec<(String, Vec<(String, u64)>)> {
    let mut grouped: Vec<(String, Vec<(String, u64)>)> = Vec::new();
    for (entity, reason, count) in rows {
        match grouped.last_mut() {
            Some((last, reasons)) if *last == entity => reasons.push((reason, count)),
            _ => grouped.push((entity, vec![(reason, count)])),
        }
    }
    grouped
}

/// `invalid_field start: 12, missing_parent client.id: 3, …`.
fn named(reasons: &[(String, u64)]) -> String {
    let shown: Vec<String> =
        reasons.iter().take(NAMED).map(|(reason, count)| format!("{reason}: {count}")).collect();
    let more = if reasons.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_named_by_entity_and_the_rest_is_left_out() {
        let rows = [("a", "x", 3), ("a", "y", 1), ("b", "x", 2)];
        let grouped = by_entity(rows.iter().map(|(e, r, n)| ((*e).to_owned(), (*r).to_owned(), *n)));
        assert_eq!(grouped.len(), 2);
        assert_eq!(named(&grouped[0].1), "x: 3, y: 1");
        let many: Vec<(String, u64)> = (0..7).map(|n| (format!("r{n}"), n)).collect();
        assert_eq!(named(&many), "r0: 0, r1: 1, r2: 2, r3: 3, r4: 4, …");
    }
}
