//! Records that a complete walk did not see. Absence proves nothing by itself: each is asked for by its own
//! getter. What still exists has moved or shifted, and its version is staged; what is gone becomes a
//! tombstone with the answer as evidence, unless there are more of them than the guard allows. A run asks for so many, and
//! the next run goes on after the last of them; the guard then counts what the runs since the first of them found gone.

pub mod guard;
pub mod report;
mod turns;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::report::{AbsentReport, LookupAnswers};
use self::turns::{MOST_ASKED, Turns};
use super::failures::{MOST_FAILED, MOST_FAILED_IN_A_ROW};
use super::parents::stage;
use crate::db::DbError;
use crate::entities::{Entity, Getter};
use crate::gazelle_to_staging::lanes::apart::Apart;
use crate::gazelle_to_staging::pages::seen::SeenIds;
use crate::gazelle_to_staging::records::faults::is_about_all;
use crate::gazelle_to_staging::records::get::get;
use crate::gazelle_to_staging::records::lookup::{LookupResult, MOST_KEPT};
use crate::gazelle_to_staging::{Fetch, Scope, WalkSpec};
use crate::staging::deletions::{
    self, Gone,
    turn::{self, Turn},
};
use crate::staging::versions::Received;

/// Bytes of an answer that evidence keeps as JSON; of a longer one, as many characters as text.
const LONGEST_ANSWER: usize = 8 * 1024;

/// Looks into the records that production holds in the walk's scope, or staging alone, and that the walk did not see.
/// `again` says that the run saw more than this walk: an earlier attempt that was not complete.
///
/// # Errors
/// Those of the database; one of the API is in the report, with what was found before it.
pub async fn look_into(
    fetch: &Fetch,
    entity: &'static Entity,
    spec: WalkSpec,
    seen: &SeenIds,
    again: bool,
) -> Result<AbsentReport, DbError> {
    let mut report = AbsentReport::default();
    crate::crash::at(crate::crash::Step::WalkComplete);
    // A list without getters gives no evidence of its own.
    let Some(getter) = &entity.getter else { return Ok(report) };
    let scope = if entity.own_date().is_some() { spec.scope } else { Scope::WHOLE };
    let whole = scope == Scope::WHOLE;
    let but_for = (!again).then_some(fetch.run_id);
    deletions::settle_seen(&fetch.db, &fetch.fence, entity, seen).await?;
    let staged = deletions::staged_suspects(&fetch.db, entity, whole, but_for, seen).await?;
    let (mut suspects, held) = deletions::suspects(&fetch.db, entity, scope.from, scope.until, seen).await?;
    // A walk of some days says nothing of what staging holds of others: many of those can wait.
    if whole || suspects.len() + staged.len() <= MOST_ASKED {
        suspects.extend(staged);
    }
    suspects.sort_unstable();
    suspects.dedup();
    let mut turns = Turns::begin(fetch, entity, spec.is_full, suspects).await?;
    let mut asked = ask(fetch, entity, getter, turns.chosen(), scope, &mut report).await?;
    crate::crash::at(crate::crash::Step::AbsentAsked);
    let known_gone = turns.known_gone(&asked);
    report.asked = asked.ids.len() as u64;
    report.unasked = turns.suspects.len() as u64 - report.asked;
    // Records that await manual approval are known to be gone.
    report.unlisted = (asked.exist.len() + asked.without_verdict.len()) as u64 + report.unasked - known_gone;
    settle(fetch, entity, &mut asked, held, &mut turns, &mut report).await?;
    turns.end(fetch, entity, &asked, &report).await?;
    Ok(report)
}

/// Asks for suspects by their ids, until all are asked for or the API fails.
async fn ask(
    fetch: &Fetch,
    entity: &'static Entity,
    getter: &'static Getter,
    suspects: Vec<String>,
    scope: Scope,
    report: &mut AbsentReport,
) -> Result<LookupAnswers, DbError> {
    let mut asked = LookupAnswers::default();
    let mut answers = stream::iter(suspects.into_iter().enumerate())
        .map(|(place, id)| async move {
            let answer = get(&fetch.client, fetch.sizes.of(entity), entity, getter, &id).await;
            (place, id, fetch.clock.now(), answer)
        })
        .buffer_unordered(fetch.concurrency.max(1));
    let (mut last_place, mut failed_in_a_row) = (0, 0);
    while let Some((place, id, asked_at, answer)) = answers.next().await {
        if let Err(error) = &answer
            && is_about_all(error)
        {
            report.failure = Some(error.clone());
            break;
        }
        asked.ids.insert(id.clone());
        if place >= last_place {
            (last_place, asked.last) = (place, Some(id.clone()));
        }
        match answer {
            // One record that the API cannot be asked for keeps no other from being settled.
            Err(error) => {
                failed_in_a_row += 1;
                report.unsettled.push(format!("{id}: {error}"));
                report.failed += 1;
                asked.without_verdict.push(id);
                if failed_in_a_row > MOST_FAILED_IN_A_ROW || report.failed >= MOST_FAILED as u64 {
                    report.failure = Some(error);
                    break;
                }
            }
            Ok(found) => {
                failed_in_a_row = 0;
                let evidence =
                    |id: &str, answer: &str| evidence(id, getter.operation, answer, asked_at, scope, fetch);
                asked.take(id, found, asked_at, evidence, report);
                if asked.bytes > MOST_KEPT {
                    stage_existing(fetch, entity, &mut asked, report).await?;
                }
            }
        }
    }
    Ok(asked)
}

/// Stages the records that exist; what staging refuses is noted.
async fn stage_existing(
    fetch: &Fetch,
    entity: &'static Entity,
    asked: &mut LookupAnswers,
    report: &mut AbsentReport,
) -> Result<(), DbError> {
    let there = std::mem::take(&mut asked.there);
    asked.bytes = 0;
    let mut apart = Apart::new(&there, |record| &record.external_id);
    while let Some(part) = apart.next() {
        match stage(fetch, entity, part).await {
            Ok(staged) => report.staged += staged,
            Err(error) => apart.failed(part, error, &mut report.refused)?,
        }
    }
    let is_faulty =
        |record: &Received| record.fault.is_some() && !report.refused.contains_key(&record.external_id);
    // Of their bytes nothing is needed any more.
    let faulty = there.into_iter().filter(is_faulty).map(|record| Received { raw: Bytes::new(), ..record });
    report.faulty.extend(faulty.collect::<Vec<_>>());
    Ok(())
}

impl LookupAnswers {
    /// Takes an answer. `evidence` makes what is kept of one that says the record is gone, of its id and that answer.
    fn take(
        &mut self,
        id: String,
        found: LookupResult,
        asked_at: Timestamp,
        evidence: impl FnOnce(&str, &str) -> Value,
        report: &mut AbsentReport,
    ) {
        match found {
            LookupResult::NoRoom => {
                report.unsettled.push(format!("{id}: it is there, and large: left for the next run"));
                self.exist.push(id);
            }
            // It is there, whatever it holds.
            LookupResult::Found(received) => {
                self.bytes += received.raw.len();
                self.exist.push(id);
                self.there.push(Received { seen_at: asked_at, ..received });
            }
            LookupResult::Faulty(received) => {
                self.bytes += received.raw.len();
                self.exist.push(id.clone());
                self.there.push(Received { seen_at: asked_at, external_id: id, ..received });
            }
            // What the API says may quote the record.
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
                self.gone.push(Gone { external_id: id, evidence });
            }
        }
    }
}

/// Stages what is there, and notes what is gone.
async fn settle(
    fetch: &Fetch,
    entity: &'static Entity,
    asked: &mut LookupAnswers,
    held: u64,
    turns: &mut Turns,
    report: &mut AbsentReport,
) -> Result<(), DbError> {
    stage_existing(fetch, entity, asked, report).await?;
    // Whatever was found of them before, they exist.
    let exist = turns.found_to_exist(&asked.exist);
    deletions::settle_existing(&fetch.db, &fetch.fence, entity, &exist).await?;
    let counted_with = turns.counted_with(asked, report);
    let gone = &asked.gone;
    let withhold = gone.len() as u64 + counted_with.all() > fetch.delete_guard.limit(held);
    let mut apart = Apart::new(gone, |gone| &gone.external_id);
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

/// Notes records that are gone, and stages their tombstones where that is not withheld. Returns how many.
async fn note_gone(
    fetch: &Fetch,
    entity: &'static Entity,
    gone: &[Gone],
    withhold: bool,
    turns: &mut Turns,
) -> Result<u64, DbError> {
    let mut connection = fetch.db.connection().await?;
    let tx = fetch.fence.begin(&mut connection).await?;
    deletions::note(&tx, entity, fetch.run_id, gone, withhold, fetch.clock.now()).await?;
    let mut tombstones = 0;
    if !withhold {
        tombstones = deletions::stage_tombstones(&tx, entity, fetch.run_id, gone, fetch.clock.now()).await?;
        crate::crash::at(crate::crash::Step::TombstonesStaged);
    }
    let turn = Turn { deleted: turns.turn.deleted + tombstones, ..turns.turn.clone() };
    // With the tombstones, so that a run that is killed before it ends has not deleted what the next one does not count.
    if tombstones > 0 && turns.are_unfinished {
        turn::note(&tx, entity, turns.is_full, &turn).await?;
    }
    tx.commit().await?;
    turns.turn = turn;
    if !withhold {
        turns.have_deleted(gone);
    }
    Ok(tombstones)
}

/// What a tombstone rests on. `id` as in every record, so that a tombstone reads like one.
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
            "run_id": fetch.run_id,
        },
    })
}
