//! Judges a run: it is a success only if the API's counts, staging and production agree. Everything else is noted
//! in the report, with the status that it leads to.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use tokio_postgres::types::Type;

use crate::db::{Db, DbError};
use crate::entities::{self, Entity};
use crate::gazelle_to_staging::Scope;
use crate::gazelle_to_staging::lanes::apart::RefusalReasons;
use crate::gazelle_to_staging::requests::parts::fewest_levels;
use crate::gazelle_to_staging::requests::sizes::AllSizes;
use crate::gazelle_to_staging::walk::{WalkReport, WholeList};
use crate::run_log::report::{RunOutcome, RunReport, RunWarning, RunWarningCode};
use crate::source::{ErrorClass, SourceError};
use crate::staging::counts::balance;
use crate::staging::deletions;

/// Below this number of held rows, a shrunken entity is no sign that something is wrong.
const MANY: u64 = 10;

/// Counts the rows of an entity that production holds within a scope, without those marked deleted.
///
/// # Errors
/// The database's.
pub async fn held_before(db: &Db, entity: &Entity, scope: Scope) -> Result<u64, DbError> {
    let sql =
        format!("SELECT count(*) FROM {{schema}}.{} t WHERE t.deleted_at IS NULL", entity.tables[0].name);
    let rows = match entity.own_date() {
        Some(date) => {
            let sql = format!("{sql} {}", deletions::within_days(date, 1));
            db.query(&sql, &[(&scope.from, Type::DATE), (&scope.until, Type::DATE)]).await?
        }
        None => db.query(&sql, &[]).await?,
    };
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64))
}

/// The smallest number of listed records that is credible when production held `held_before`: the share that the
/// guard (a percentage) leaves of many, and at least one if there were any.
pub fn credible(held_before: u64, shrink_guard: f64) -> u64 {
    let share = match held_before >= MANY {
        true => (held_before as f64 * (100.0 - shrink_guard) / 100.0).ceil() as u64,
        false => 0,
    };
    share.max(held_before.min(1))
}

/// Most ids that a message names.
const NAMED: usize = 5;

/// Warns of records that the API listed twice, whether or not the walk is complete.
pub fn warn_of_walk(report: &mut RunReport, entity: &Entity, walk: &WalkReport) {
    // Records that an earlier run reported are not reported again.
    let twice: Vec<&str> = walk.listed_twice.difference(&walk.reported_before).map(String::as_str).collect();
    if twice.is_empty() {
        return;
    }
    let named = &twice[..twice.len().min(NAMED)];
    let more = if twice.len() > NAMED { ", …" } else { "" };
    let name = entity.name;
    report.warnings.push(RunWarning {
        code: RunWarningCode::DuplicateId,
        subject: name.to_owned(),
        message: format!("{name}: the API lists {} record(s) twice: {}{more}", twice.len(), named.join(", ")),
    });
}

/// Warns of entities that were read in smaller steps because the API refused larger ones. An entity whose walk
/// failed is left out: its error is reported.
pub fn warn_of_limits(report: &mut RunReport, sizes: &AllSizes, failed: &[(&'static str, SourceError)]) {
    let has_failed = |entity: &str| failed.iter().any(|(name, _)| *name == entity);
    for (entity, message) in sizes.refusals().into_iter().filter(|(entity, _)| !has_failed(entity)) {
        report.warnings.push(RunWarning {
            code: RunWarningCode::ApiLimit,
            subject: entity.to_owned(),
            message,
        });
    }
}

/// Notes records that the API could not return whole: production keeps their last whole versions.
fn judge_faulty(report: &mut RunReport, entity: &Entity, walk: &WalkReport) {
    judge_left_out(report, entity, walk);
    let faulty = &walk.faulty;
    if faulty.is_empty() {
        return;
    }
    let named: Vec<String> = faulty
        .iter()
        .take(NAMED)
        .map(|(id, field)| if field.is_empty() { id.clone() } else { format!("{id} at {field}") })
        .collect();
    let more = if faulty.len() > NAMED { ", …" } else { "" };
    report.note(
        RunOutcome::Partial,
        format!(
            "{}: the API could not give {} record(s) whole ({}{more}): each is in quarantine, production keeps its last whole \
             version, and all others were read; `gazelle-sync errors list` says what the API said",
            entity.name,
            faulty.len(),
            named.join(", ")
        ),
    );
}

/// Notes records of a walk that could not be fetched, or were not asked for, in this run.
fn judge_left_out(report: &mut RunReport, entity: &Entity, walk: &WalkReport) {
    let name = entity.name;
    for note in &walk.notes {
        report.note(RunOutcome::Partial, format!("{name}: {note}"));
    }
    let unasked = walk.unasked.len();
    if let Some(first) = walk.unasked.first() {
        report.note(
            RunOutcome::Partial,
            format!(
                "{name}: {unasked} record(s) that their list could not give whole were not asked for by their ids in this run, \
                 which asks for a few ({first}{}): production keeps their last whole versions, and the next runs ask for them",
                if unasked > 1 { ", …" } else { "" }
            ),
        );
    }
    note_refused(report, entity, &walk.refused);
    if walk.nameless > 0 {
        report.note(
            RunOutcome::Partial,
            format!(
                "{name}: {} record(s) cannot be read: the API fails at them and does not return their ids; all others were read, \
                 production keeps what it has, and nothing was deleted for not being listed",
                walk.nameless
            ),
        );
    }
}

/// Judges a walk. `shrink_guard` is the percentage by which an entity may shrink before the run is partial;
/// `is_settled` says that the walk is short by the same number of records as in the runs before.
pub fn judge_walk(
    report: &mut RunReport,
    entity: &Entity,
    walk: &WalkReport,
    held_before: u64,
    shrink_guard: f64,
    is_settled: bool,
) {
    let name = entity.name;
    judge_faulty(report, entity, walk);
    // `judge_failures` reports the error that ended it.
    if !walk.complete && walk.failure.is_some() {
        return;
    }
    if !walk.complete {
        let reason = walk.reason.as_deref().unwrap_or("unknown reason");
        let settled = match is_settled {
            true => {
                "; it was so in the runs before, by the same number: the schedule goes on as usual, what is listed is up to \
                 date, and nothing is deleted for not being listed"
            }
            false => "",
        };
        report.note(RunOutcome::Partial, format!("{name}: the walk is incomplete: {reason}{settled}"));
        return;
    }
    judge_withheld(report, name, walk);
    judge_unasked(report, name, walk);
    if let [first, ..] = walk.absent.unsettled.as_slice() {
        report.note(
            RunOutcome::Partial,
            format!(
                "{name}: {} record(s) that were not listed could not be read whole ({first}); they stay as they are, and \
                 the next run asks again",
                walk.absent.unsettled.len()
            ),
        );
    }
    // Compared by the records seen: the API's own count may include records twice.
    let total = walk.seen + walk.nameless;
    if total < credible(held_before, shrink_guard) {
        let deleted = match walk.absent.tombstones {
            0 => "nothing was deleted".to_owned(),
            asked => format!("{asked} asked for by id and gone were deleted, and nothing else"),
        };
        report.note(
            RunOutcome::Partial,
            format!(
                "{name}: the API lists {total} where production held {held_before}: far fewer than before; {deleted}: \
                 check in Gazelle whether records are missing there"
            ),
        );
    }
}

/// Notes records that are gone at the source and whose deletion the guard withholds until manual approval.
fn judge_withheld(report: &mut RunReport, name: &str, walk: &WalkReport) {
    let absent = &walk.absent;
    if absent.withheld == 0 {
        return;
    }
    let with = absent.counted_with;
    let others: Vec<String> = [
        (with.awaiting, "others await approval already"),
        (with.deleted_before, "others were deleted by the runs just before"),
        (with.unknown, "others may be gone too, since the API does not say whether they exist"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let together = match others.as_slice() {
        [] => String::new(),
        others => format!(" and {}: together", others.join(", ")),
    };
    report.note(
        RunOutcome::Partial,
        format!(
            "{name}: {} records are gone at the source{together}, more than may be deleted without manual approval; nothing \
             was deleted: `gazelle-sync deletions list` shows them and the run to approve or dismiss",
            absent.withheld
        ),
    );
}

/// Notes held records that were not listed and that this run did not ask for by id: whether they were deleted is
/// not known yet.
fn judge_unasked(report: &mut RunReport, name: &str, walk: &WalkReport) {
    let (asked, left) = (walk.absent.asked, walk.absent.unasked);
    if walk.failure.is_some() {
        // `judge_failures` reports it.
    } else if let Some(error) = &walk.absent.failure {
        report.note(
            RunOutcome::Partial,
            format!(
                "{name}: the API failed at {} record(s) that were not listed ({error}), so no further ones were requested: {left} more were not looked up by id; they stay as they are, and the next run goes on with them",
                walk.absent.failed
            ),
        );
    } else if left > 0 {
        report.note(
            RunOutcome::Partial,
            format!(
                "{name}: {asked} of {} record(s) that are held and not listed were asked for by their ids in this run; {left} are \
                 left to the next runs: they stay as they are, and what was deleted at the source among them is found \
                 out then",
                asked + left
            ),
        );
    }
}

/// Judges a walk whose window held no records, by what the API says of the entity's whole list: an empty window is no
/// fault as long as that is credible for what production holds.
pub fn judge_empty_window(
    report: &mut RunReport,
    entity: &Entity,
    whole: &WholeList,
    held: u64,
    shrink_guard: f64,
) {
    let name = entity.name;
    let why = match whole {
        WholeList::Counts(total) if *total < credible(held, shrink_guard) => format!(
            "{name}: the API lists {total} where production holds {held}, and none of the days walked; nothing was \
             deleted: check in Gazelle whether records are missing there"
        ),
        WholeList::Refused(error) if held > 0 => format!(
            "{name}: the API lists none of the days walked, and whether it still lists the {held} that production holds \
             could not be asked: {error}"
        ),
        _ => return,
    };
    report.note(RunOutcome::Partial, why);
}

/// Reports the errors of the API that ended walks, each cause once with the entities that it concerns. If every
/// walk failed (`has_no_list`), the run has failed.
pub fn judge_failures(report: &mut RunReport, has_no_list: bool, failed: &[(&'static str, SourceError)]) {
    let mut by_cause: Vec<(String, Vec<&str>, &SourceError)> = Vec::new();
    for (entity, failure) in failed {
        let cause = failure.cause();
        match by_cause.iter_mut().find(|(of, _, _)| *of == cause) {
            Some((_, entities, _)) => entities.push(entity),
            None => by_cause.push((cause, vec![entity], failure)),
        }
    }
    for (cause, entities, failure) in by_cause {
        let status = match failure.class() {
            ErrorClass::Unauthorized
            | ErrorClass::InvalidQuery { .. }
            | ErrorClass::Redirected
            | ErrorClass::ClientFault
            | ErrorClass::Setup => RunOutcome::Failed,
            _ => RunOutcome::Partial,
        };
        let mut line = if entities.len() == 1 { failure.to_string() } else { cause };
        if matches!(failure.class(), ErrorClass::OverLimit { .. }) {
            line += &needed(&entities, &line);
        }
        report.note(status, format!("{}: {line}", entities.join(", ")));
    }
    if has_no_list {
        report.status = RunOutcome::Failed;
        // The schema could not be read for the same reason.
        report.warnings.retain(|warning| warning.code != RunWarningCode::SchemaUnread);
    }
}

/// Notes missing parents that this run stopped asking for, or had no memory for.
pub fn note_parents_left(
    report: &mut RunReport,
    of_getters: &[(&'static str, String)],
    no_room: &BTreeMap<String, usize>,
) {
    for (entity, error) in of_getters {
        report.note(
            RunOutcome::Partial,
            format!(
                "{entity}: missing parents could not be fetched by their ids ({error}), and this run stopped asking for more of \
                 them; records that name them wait, and the next run asks first for those that were left out"
            ),
        );
    }
    for (table, count) in no_room {
        let entity = entities::entity_of_table(table).map_or(table.as_str(), |entity| entity.name);
        report.note(
            RunOutcome::Partial,
            format!(
                "{entity}: {count} missing parent(s) are at the source, and too large to be kept in memory beside others in this \
                 run; records that name them wait, in quarantine or pending, and the next run asks for them again"
            ),
        );
    }
}

/// Notes records that staging refused to store.
pub fn note_refused(report: &mut RunReport, entity: &Entity, refused: &RefusalReasons) {
    let Some((id, why)) = refused.first_key_value() else { return };
    report.note(
        RunOutcome::Partial,
        format!(
            "{}: {} record(s) could not be stored as received ({id}: {why}{}): all others were, and later runs fetch \
             these again; what was added to our tables refuses them, `gazelle-sync doctor` lists it",
            entity.name,
            refused.len(),
            if refused.len() > 1 { "; …" } else { "" }
        ),
    );
}

/// What the smallest queries of these entities need, when the API refuses even those; `said` is its error.
fn needed(entities: &[&str], said: &str) -> String {
    if !said.to_ascii_lowercase().contains("depth") {
        return "; it refuses the smallest queries too: one record, some ten fields at once".to_owned();
    }
    let levels = entities
        .iter()
        .filter_map(|name| Some(format!("{} for {name}", fewest_levels(entities::entity(name)?))))
        .collect::<Vec<String>>()
        .join(", ");
    format!("; the smallest queries ask for parts of one record, and a depth of {levels} is needed")
}

/// Compares staging with production, all entities concurrently, and fills `in_staging` and `in_production`. A
/// difference makes the run partial.
///
/// # Errors
/// The database's.
pub async fn compare(db: &Db, report: &mut RunReport, entities: &[&'static Entity]) -> Result<(), DbError> {
    let balances = try_join_all(entities.iter().map(|entity| balance::of(db, entity))).await?;
    for (entity, balance) in entities.iter().zip(balances) {
        if let Some(of_entity) = report.entities.iter_mut().find(|e| e.entity == entity.name) {
            of_entity.in_staging = Some(balance.in_staging());
            of_entity.in_production = Some(balance.in_production);
        }
        if balance.surplus + balance.lost > 0 {
            report.note(
                RunOutcome::Partial,
                format!(
                    "{}: staging and production disagree: {} record(s) have no row, {} row(s) have no record; \
                     `gazelle-sync replay --dry-run` shows them, `gazelle-sync replay` corrects them",
                    entity.name, balance.lost, balance.surplus
                ),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
