//! Child rows (contacts, locations, an appointment's pianos) that the newest versions of their records leave out.
//! The API cannot be asked for them by id, and no list counts them: the record itself is the only evidence that
//! they are gone. A run in which more records than the guard allows lose such rows is therefore partial, and its
//! report says how to undo it.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::config::Settings;
use crate::db::{Db, DbError, Template};
use crate::entities::table::Table;
use crate::entities::{ENTITIES, Entity};
use crate::run_log::report::{RunOutcome, RunReport};

/// Marks the run as partial if more records than the larger of the two delete guards left out rows of one table.
/// [`super::judge::compare`] must have filled the counts of the entities.
///
/// # Errors
/// The database's.
pub(super) async fn judge(db: &Db, report: &mut RunReport, settings: &Settings) -> Result<(), DbError> {
    for entity in ENTITIES.iter().filter(|entity| entity.tables.iter().any(|table| table.owner.is_some())) {
        // An entity outside the job (a parent) is judged by the next run that includes it.
        let compared =
            report.entities.iter().find(|of| of.entity == entity.name && of.in_production.is_some());
        let Some(of_entity) = compared else { continue };
        let since = first_unjudged(db, entity, report.run_id).await?;
        if of_entity.rows_written == 0 && since == report.run_id {
            continue;
        }
        let runs = runs_since(db, since, report.run_id).await?;
        for reason in too_many(db, entity, &runs, settings).await? {
            report.note(RunOutcome::Partial, reason);
        }
    }
    Ok(())
}

/// The first run whose left-out rows are not judged yet: this one, or an earlier one that was killed or failed
/// before it could judge them.
async fn first_unjudged(db: &Db, entity: &Entity, run_id: Uuid) -> Result<Uuid, DbError> {
    let params = [(&entity.name as _, Type::TEXT), (&run_id as _, Type::UUID)];
    let rows = db.query(include_str!("first_unjudged.sql"), &params).await?;
    Ok(rows.first().map_or(run_id, |row| row.get(0)))
}

/// When a run began, by the clock that dates what it stages: read from its id, a UUID of version 7.
fn started(run: Uuid) -> Option<Timestamp> {
    let (seconds, nanoseconds) = run.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

/// The runs from `first` to `last`, each with its start.
async fn runs_since(db: &Db, first: Uuid, last: Uuid) -> Result<Vec<(Uuid, Timestamp)>, DbError> {
    let params = [(&first as _, Type::UUID), (&last as _, Type::UUID)];
    let rows = db.query(include_str!("runs_since.sql"), &params).await?;
    Ok(rows
        .iter()
        .map(|row| row.get::<_, Uuid>("run_id"))
        .filter_map(|run| Some((run, started(run)?)))
        .collect())
}

async fn too_many(
    db: &Db,
    entity: &Entity,
    runs: &[(Uuid, Timestamp)],
    settings: &Settings,
) -> Result<Vec<String>, DbError> {
    let mut reasons = Vec::new();
    let Some((_, since)) = runs.first() else { return Ok(reasons) };
    let began: Vec<Timestamp> = runs.iter().map(|(_, began)| *began).collect();
    for table in entity.tables {
        let Some(owner) = table.owner else { continue };
        let [left_out, marked_in] = statements(entity, table, owner);
        let rows = db.query(&left_out, &[(since, Type::TIMESTAMPTZ)]).await?;
        let [holding, records, left_out] = ["holding", "records", "left_out"]
            .map(|column| rows.first().map_or(0, |row| row.get::<_, i64>(column) as u64));
        // Records are counted, not rows, since all addresses of a contact go with it. Nothing is withheld here.
        let usual = settings.delete_guard().larger(holding);
        if records <= usual {
            continue;
        }
        let params = [(since as _, Type::TIMESTAMPTZ), (&began as _, Type::TIMESTAMPTZ_ARRAY)];
        let marked = db.query(&marked_in, &params).await?;
        let mut numbers: Vec<i32> = marked.iter().map(|row| row.get(0)).collect();
        // Newest first: the order in which to undo them.
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        let of_number = |number: i32| runs.get(usize::try_from(number).ok()?.checked_sub(1)?);
        let undone: Vec<String> = numbers
            .into_iter()
            .filter_map(of_number)
            .map(|(run, _)| format!("`gazelle-sync undo {run}`"))
            .collect();
        let brings = if undone.len() == 1 { "brings back what that run marked" } else { "bring them back" };
        reasons.push(format!(
            "{}: {records} record(s) no longer hold {left_out} row(s) of {}, which were marked deleted; up to {usual} such \
             records in a run are allowed (the larger of delete_guard_records and delete_guard_percent). If the \
             rows are not gone, {} {brings}, and keeps it until these records change again",
            entity.name,
            table.name,
            undone.join(", then ")
        ));
    }
    Ok(reasons)
}

/// The statements that count what was left out, and in which runs.
fn statements(entity: &Entity, table: &Table, owner: &str) -> [String; 2] {
    [include_str!("left_out.sql"), include_str!("marked_in.sql")].map(|text| {
        Template::new(text)
            .with("table", table.name)
            .with("holders", entity.tables[0].name)
            .with("owner", owner)
            .fill()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::clients::{ENTITY as CLIENTS, GAZELLE_CONTACTS};

    #[test]
    fn statements_about_contacts_that_clients_leave_out() {
        insta::assert_snapshot!(statements(&CLIENTS, &GAZELLE_CONTACTS, "client_external_id").join("\n"));
    }
}
