//! Looks up the records that a complete walk did not list. Absence from a list proves nothing, so each such
//! record (a suspect) is looked up by its own getter. If it exists, its version is staged. If it is gone, a
//! tombstone is staged with the answer as evidence, unless more are gone than the guard allows. If there are
//! more suspects than a run looks up, the next run continues after the last one; the guard then counts the
//! deletions of all runs since the first suspect.

pub mod report;
mod suspect_turns;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::report::{AbsentReport, LookupAnswers};
use self::suspect_turns::{MOST_LOOKUPS, SuspectTurns};
use super::failures::{MOST_FAILED, MOST_FAILED_IN_A_ROW};
use super::parents::stage;
use crate::db::DbError;
use crate::entities::{Entity, Getter};
use crate::gazelle_to_staging::lanes::apart::{RefusalReasons, StagingBisect};
use crate::gazelle_to_staging::pages::seen::SeenIds;
use crate::gazelle_to_staging::records::faults::concerns_all_records;
use crate::gazelle_to_staging::records::get::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::gazelle_to_staging::{Fetch, Scope, WalkSpec};
use crate::staging::deletions::{self, GoneRecord, noted};
use crate::staging::notes::lookup_progress::{self, LookupProgress};
use crate::staging::versions::Received;
use crate::states::DeletionState;

/// Up to this many bytes, evidence stores the answer as JSON; of a longer one, as many characters as text.
const LONGEST_ANSWER: usize = 8 * 1024;

/// Looks up the records of the walk's scope that are in production, or only in staging, and that the walk did
/// not list. `had_earlier_attempt` says that an earlier attempt of this run at the walk was incomplete:
/// versions that it staged are then suspects too.
///
/// # Errors
/// Errors of the database. An error of the API is in the report, with the results so far.
pub async fn look_up_absent(
    fetch: &Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    seen: &SeenIds,
    had_earlier_attempt: bool,
) -> Result<AbsentReport, DbError> {
    let mut report = AbsentReport::default();
    crate::crash::at(crate::crash::CrashPoint::WalkComplete);
    // Without a getter there is no evidence of a deletion.
    let Some(getter) = &entity.getter else { return Ok(report) };
    let scope = if entity.own_date().is_some() { spec.scope } else { Scope::WHOLE };
    let whole = scope == Scope::WHOLE;
    let except_run = (!had_earlier_attempt).then_some(fetch.run.run_id);
    let seen_again = noted::seen_again(&fetch.run.db, entity, seen).await?;
    supersede(fetch, entity, &seen_again, &noted::SEEN_AGAIN, &mut report.refused).await?;
    let staged = deletions::staged_suspects(&fetch.run.db, entity, whole, except_run, seen).await?;
    let (mut suspects, held) =
        deletions::suspects(&fetch.run.db, entity, scope.from, scope.until, seen).await?;
    // A walk of some days does not show whether records that only staging has are absent: with too many, they
    // would crowd out others.
    if whole || suspects.len() + staged.len() <= MOST_LOOKUPS {
        suspects.extend(staged);
    }
    suspects.sort_unstable();
    suspects.dedup();
    let mut turns = SuspectTurns::load(fetch, entity, spec.is_full, suspects).await?;
    let mut answers = look_up_suspects(fetch, entity, getter, turns.to_look_up(), scope, &mut report).await?;
    crate::crash::at(crate::crash::CrashPoint::AbsentAsked);
    let awaiting_approval = turns.count_awaiting_approval(&answers);
    report.asked = answers.ids.len() as u64;
    report.unasked = turns.suspects.len() as u64 - report.asked;
    // Records that await manual approval are known to be gone.
    report.unlisted = (answers.existing_ids.len() + answers.without_verdict.len()) as u64 + report.unasked
        - awaiting_approval;
    settle(fetch, entity, &mut answers, held, &mut turns, &mut report).await?;
    turns.save(fetch, entity, &answers, &report).await?;
    Ok(report)
}

/// Supersedes the deletions of records that exist after all. Those whose deletion the database keeps as it is are put
/// into the report.
async fn supersede<I: AsRef<str>>(
    fetch: &Fetch,
    entity: &'static Entity,
    ids: &[I],
    states: &[DeletionState],
    refused: &mut RefusalReasons,
) -> Result<(), DbError> {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    let mut apart = StagingBisect::new(&ids, |id| id);
    while let Some(part) = apart.next() {
        if let Err(error) = noted::supersede(&fetch.run.db, &fetch.run.fence, entity, part, states).await {
            apart.failed(part, error, refused)?;
        }
    }
    Ok(())
}

/// Looks up suspects by their ids, until all are looked up or the API fails.
async fn look_up_suspects(
    fetch: &Fetch,
    entity: &'static Entity,
    getter: &'static Getter,
    suspects: Vec<String>,
    scope: Scope,
    report: &mut AbsentReport,
) -> Result<LookupAnswers, DbError> {
    let mut answers = LookupAnswers::default();
    let mut lookups = stream::iter(suspects.into_iter().enumerate())
        .map(|(place, id)| async move {
            let answer = get(&fetch.api.client, fetch.sizes.for_entity(entity), entity, getter, &id).await;
            (place, id, fetch.run.clock.now(), answer)
        })
        .buffer_unordered(fetch.limits.concurrency.max(1));
    let (mut last_place, mut failed_in_a_row) = (0, 0);
    while let Some((place, id, asked_at, answer)) = lookups.next().await {
        if let Err(error) = &answer
            && concerns_all_records(error)
        {
            report.failure = Some(error.clone());
            break;
        }
        answers.ids.insert(id.clone());
        if place >= last_place {
            (last_place, answers.last) = (place, Some(id.clone()));
        }
        match answer {
            // A failure at one record does not keep the others from being looked up.
            Err(error) => {
                failed_in_a_row += 1;
                report.unsettled.push(format!("{id}: {error}"));
                report.failed += 1;
                answers.without_verdict.push(id);
                if failed_in_a_row > MOST_FAILED_IN_A_ROW || report.failed >= MOST_FAILED as u64 {
                    report.failure = Some(error);
                    break;
                }
            }
            Ok(result) => {
                failed_in_a_row = 0;
                let evidence =
                    |id: &str, answer: &str| evidence(id, getter.operation, answer, asked_at, scope, fetch);
                answers.take(id, result, asked_at, evidence, report);
                if answers.bytes > MOST_KEPT {
                    stage_existing(fetch, entity, &mut answers, report).await?;
                }
            }
        }
    }
    Ok(answers)
}

/// Stages the records that exist. Those that staging refuses are put into the report.
async fn stage_existing(
    fetch: &Fetch,
    entity: &'static Entity,
    answers: &mut LookupAnswers,
    report: &mut AbsentReport,
) -> Result<(), DbError> {
    let existing = std::mem::take(&mut answers.existing);
    answers.bytes = 0;
    let mut apart = StagingBisect::new(&existing, |record| &record.external_id);
    while let Some(part) = apart.next() {
        match stage(fetch, entity, part).await {
            Ok(staged) => report.staged += staged,
            Err(error) => apart.failed(part, error, &mut report.refused)?,
        }
    }
    let is_faulty =
        |record: &Received| record.fault.is_some() && !report.refused.contains_key(&record.external_id);
    // The report does not use their bytes.
    let faulty =
        existing.into_iter().filter(is_faulty).map(|record| Received { raw: Bytes::new(), ..record });
    report.faulty.extend(faulty.collect::<Vec<_>>());
    Ok(())
}

impl LookupAnswers {
    /// Sorts an answer. `evidence` builds what to store for a record that is gone, from its id and the answer.
    fn take(
        &mut self,
        id: String,
        result: LookupResult,
        asked_at: Timestamp,
        evidence: impl FnOnce(&str, &str) -> Value,
        report: &mut AbsentReport,
    ) {
        match result {
            LookupResult::NoRoom => {
                report.unsettled.push(format!("{id}: it is there, and large: left for the next run"));
                self.existing_ids.push(id);
            }
            // It exists, so that it is not deleted, whatever it holds.
            LookupResult::Found(received) => {
                self.bytes += received.raw.len();
                self.existing_ids.push(id);
                self.existing.push(Received { seen_at: asked_at, ..received });
            }
            LookupResult::Faulty(received) => {
                self.bytes += received.raw.len();
                self.existing_ids.push(id.clone());
                self.existing.push(Received { seen_at: asked_at, external_id: id, ..received });
            }
            // The API's message is left out, because it may quote the record.
            LookupResult::Refused(_) => {
                report.unsettled.push(format!("{id}: the API answers with an error"));
                self.without_verdict.push(id);
            }
            LookupResult::Changed(why) | LookupResult::Unclear(why) => {
                report.unsettled.push(format!("{id}: {why}"));
                self.without_verdict.push(id);
            }
            LookupResult::Missing(answer) => {
                let evidence = evidence(&id, &answer);
                self.gone.push(GoneRecord { external_id: id, evidence });
            }
        }
    }
}

/// Stages the records that exist, and stores the evidence for those that are gone.
async fn settle(
    fetch: &Fetch,
    entity: &'static Entity,
    answers: &mut LookupAnswers,
    held: u64,
    turns: &mut SuspectTurns,
    report: &mut AbsentReport,
) -> Result<(), DbError> {
    stage_existing(fetch, entity, answers, report).await?;
    // Withheld deletions of earlier runs no longer apply to them.
    let not_gone = turns.remove_existing(&answers.existing_ids);
    supersede(fetch, entity, &not_gone, &[DeletionState::Withheld], &mut report.refused).await?;
    let counted_with = turns.counted_with(answers, report);
    let gone = &answers.gone;
    let withhold = gone.len() as u64 + counted_with.all() > fetch.limits.delete_guard.smaller(held);
    let mut apart = StagingBisect::new(gone, |gone| &gone.external_id);
    while let Some(part) = apart.next() {
        match note_gone(fetch, entity, part, withhold, turns).await {
            Ok(tombstones) => report.tombstones += tombstones,
            Err(error) => apart.failed(part, error, &mut report.refused)?,
        }
    }
    if withhold {
        report.withheld = gone.len() as u64;
        report.counted_with = counted_with;
    }
    Ok(())
}

/// Stores the evidence for records that are gone, and stages their tombstones unless they are withheld. Returns
/// the number of tombstones.
async fn note_gone(
    fetch: &Fetch,
    entity: &'static Entity,
    gone: &[GoneRecord],
    withhold: bool,
    turns: &mut SuspectTurns,
) -> Result<u64, DbError> {
    let mut connection = fetch.run.db.connection().await?;
    let tx = fetch.run.fence.begin(&mut connection).await?;
    let mut tombstones = 0;
    if !withhold {
        tombstones =
            noted::stage_tombstones(&tx, entity, fetch.run.run_id, gone, fetch.run.clock.now()).await?;
        crate::crash::at(crate::crash::CrashPoint::TombstonesStaged);
    }
    noted::note(&tx, entity, fetch.run.run_id, gone, withhold, fetch.run.clock.now()).await?;
    let progress = LookupProgress { deleted: turns.progress.deleted + tombstones, ..turns.progress.clone() };
    // In the transaction of the tombstones: if the run is killed later, the next one still counts these deletions.
    if tombstones > 0 && turns.is_unfinished {
        lookup_progress::note(&tx, entity, turns.is_full, &progress).await?;
    }
    tx.commit().await?;
    turns.progress = progress;
    if !withhold {
        turns.remove_deleted(gone);
    }
    Ok(tombstones)
}

/// The evidence stored in a tombstone. It has an `id` like every record, so that a tombstone can be read like one.
fn evidence(
    id: &str,
    operation: &str,
    answer: &str,
    asked_at: Timestamp,
    scope: Scope,
    fetch: &Fetch,
) -> Value {
    let answer: Value = match answer.len() <= LONGEST_ANSWER {
        true => serde_json::from_str(answer).unwrap_or_else(|_| answer.into()),
        false => answer.chars().take(LONGEST_ANSWER).collect::<String>().into(),
    };
    json!({
        "id": id,
        "gone": true,
        "evidence": {
            "not_listed_in": scope.describe(),
            "asked_with": operation,
            "asked_at": asked_at.to_string(),
            "answer": answer,
            "run_id": fetch.run.run_id,
        },
    })
}
