//! Records that a complete walk did not see. Absence proves nothing by itself: each is asked for by its own
//! getter. What still exists has moved or shifted, and its version is staged; what is gone becomes a
//! tombstone with the answer as evidence, unless there are more of them than the guard allows. A run asks for so many, and
//! the next run goes on after the last of them; the guard then counts what the runs since the first of them found gone.

mod turns;

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::turns::{MOST_ASKED, Turns};
use super::alone::is_about_all;
use super::apart::{Apart, Refused};
use super::failures::{MOST_FAILED, MOST_FAILED_IN_A_ROW};
use super::parents::{LookupResult, MOST_KEPT, get, stage};
use super::seen::SeenIds;
use super::{Fetch, Scope};
use crate::db::DbError;
use crate::entities::{Entity, Getter};
use crate::source::SourceError;
use crate::staging::deletions::{
    self, Gone,
    turn::{self, Turn},
};
use crate::staging::versions::{Received, Staged};

/// Bytes of an answer that evidence keeps as JSON; of a longer one, as many characters as text.
const LONGEST_ANSWER: usize = 8 * 1024;

/// How many records of an entity may be deleted in a run without manual approval.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// Records.
    pub records: u64,
    /// Percent of the entity's records; one record is always within it.
    pub percent: f64,
}

impl Guard {
    /// The largest number of deletions allowed for an entity of this size.
    pub fn limit(&self, held: u64) -> u64 {
        let share = (held as f64 * self.percent / 100.0).floor().max(1.0);
        self.records.min(share as u64)
    }
}

/// What became of the records that a walk did not see.
#[derive(Debug, Default)]
pub struct AbsentReport {
    /// Those that the walk did not list and that are not known to be gone.
    pub unlisted: u64,
    /// Versions staged of them.
    pub staged: Staged,
    /// Tombstones staged.
    pub tombstones: u64,
    /// Gone, but not deleted: more than the guard allows.
    pub withheld: u64,
    /// Those that the guard counted with them: of which the API gave no answer when it ended the asking, or which the runs
    /// before found gone since the turns began.
    pub counted_with_them: u64,
    /// Not seen, and asked for by this run.
    pub asked: u64,
    /// Those of them at which the API failed.
    pub failed: u64,
    /// Those of them of which it is not known whether they exist: at which the API failed, or gave no verdict.
    pub without_verdict: u64,
    /// Not seen, and not asked for by this run: the next ones go on with them.
    pub unasked: u64,
    /// The error of the API that ended the asking.
    pub failure: Option<SourceError>,
    /// Those of which the staging table refused a version or a tombstone, by id, with the reason: the next complete walk asks
    /// for them again.
    pub refused: Refused,
    /// Those that still exist and that the API could not give whole.
    pub faulty: Vec<Received>,
    /// Not seen, and there, but not to be read whole this time: each a sentence's end.
    pub unsettled: Vec<String>,
}

/// Looks into the records that production holds in the scope, or staging alone, and that the walk did not see.
/// `again` says that the run saw more than this walk: an earlier attempt that was not complete.
///
/// # Errors
/// Those of the database; one of the API is in the report, with what was found before it.
pub async fn look_into(
    fetch: &Fetch,
    entity: &'static Entity,
    scope: Scope,
    seen: &SeenIds,
    again: bool,
) -> Result<AbsentReport, DbError> {
    let mut report = AbsentReport::default();
    crate::crash::at(crate::crash::Step::WalkComplete);
    // A list without getters gives no evidence of its own.
    let Some(getter) = &entity.getter else { return Ok(report) };
    let scope = if entity.own_date().is_some() { scope } else { Scope::WHOLE };
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
    let mut turns = Turns::begin(fetch, entity, whole, suspects).await?;
    let asked = ask(fetch, entity, getter, turns.chosen(), scope, &mut report).await;
    crate::crash::at(crate::crash::Step::AbsentAsked);
    let known_gone = turns.known_gone(&asked);
    report.asked = asked.ids.len() as u64;
    report.unasked = turns.suspects.len() as u64 - report.asked;
    // Records that await manual approval are known to be gone.
    report.unlisted = (asked.there.len() + report.unsettled.len()) as u64 + report.unasked - known_gone;
    settle(fetch, entity, &asked, held, &mut turns, &mut report).await?;
    turns.end(fetch, entity, &asked, &report).await?;
    Ok(report)
}

/// What the API answered about suspects.
#[derive(Default)]
struct Asked {
    gone: Vec<Gone>,
    there: Vec<Received>,
    /// Those that were asked for.
    ids: HashSet<String>,
    /// The last of them.
    last: Option<String>,
}

/// Asks for suspects by their ids, until all are asked for or the API fails.
async fn ask(
    fetch: &Fetch,
    entity: &'static Entity,
    getter: &'static Getter,
    suspects: Vec<String>,
    scope: Scope,
    report: &mut AbsentReport,
) -> Asked {
    let mut asked = Asked::default();
    let mut answers = stream::iter(suspects.into_iter().enumerate())
        .map(|(place, id)| async move {
            let answer = get(&fetch.client, fetch.sizes.of(entity), entity, getter, &id).await;
            (place, id, fetch.clock.now(), answer)
        })
        .buffer_unordered(fetch.concurrency.max(1));
    let (mut last_place, mut failed_in_a_row, mut bytes) = (0, 0, 0);
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
        failed_in_a_row = if answer.is_err() { failed_in_a_row + 1 } else { 0 };
        match answer {
            // One record that the API cannot be asked for keeps no other from being settled.
            Err(error) => {
                report.unsettled.push(format!("{id}: {error}"));
                report.failed += 1;
                report.without_verdict += 1;
                if failed_in_a_row > MOST_FAILED_IN_A_ROW || report.failed >= MOST_FAILED as u64 {
                    report.failure = Some(error);
                    break;
                }
            }
            Ok(LookupResult::Found(_) | LookupResult::Faulty(_)) if bytes > MOST_KEPT => {
                report.unsettled.push(left_for_the_next_run(&id));
            }
            Ok(LookupResult::NoRoom) => report.unsettled.push(left_for_the_next_run(&id)),
            // It is there, whatever it holds.
            Ok(LookupResult::Found(received)) => {
                bytes += received.raw.len();
                asked.there.push(Received { seen_at: asked_at, ..received });
            }
            Ok(LookupResult::Faulty(received)) => {
                bytes += received.raw.len();
                asked.there.push(Received { seen_at: asked_at, external_id: id, ..received });
            }
            // What the API says may quote the record.
            Ok(LookupResult::Refused(_)) => {
                report.without_verdict += 1;
                report.unsettled.push(format!("{id}: the API answers with an error"));
            }
            Ok(LookupResult::Changed(why) | LookupResult::Unclear(why)) => {
                report.without_verdict += 1;
                report.unsettled.push(format!("{id}: {why}"));
            }
            Ok(LookupResult::Missing(answer)) => {
                let evidence = evidence(&id, getter.operation, &answer, asked_at, scope, fetch);
                asked.gone.push(Gone { external_id: id, evidence });
            }
        }
    }
    asked
}

/// Stages what is there, and notes what is gone.
async fn settle(
    fetch: &Fetch,
    entity: &'static Entity,
    asked: &Asked,
    held: u64,
    turns: &mut Turns,
    report: &mut AbsentReport,
) -> Result<(), DbError> {
    let Asked { gone, there, .. } = asked;
    let mut refused = Refused::new();
    let mut apart = Apart::new(there, |record| &record.external_id);
    while let Some(part) = apart.next() {
        match stage(fetch, entity, part).await {
            Ok(staged) => report.staged += staged,
            Err(error) => apart.failed(part, error, &mut refused)?,
        }
    }
    // Whatever was found of them before, they exist.
    let exist = turns.found_to_exist(there);
    deletions::settle_existing(&fetch.db, &fetch.fence, entity, &exist).await?;
    let is_staged = |record: &Received| !refused.contains_key(&record.external_id);
    report.faulty =
        there.iter().filter(|record| record.fault.is_some() && is_staged(record)).cloned().collect();
    let counted_with_them = turns.counted_with(asked, report);
    let withhold = gone.len() as u64 + counted_with_them > fetch.delete_guard.limit(held);
    let mut apart = Apart::new(gone, |gone| &gone.external_id);
    while let Some(part) = apart.next() {
        match note_gone(fetch, entity, part, withhold, turns).await {
            Ok(tombstones) => report.tombstones += tombstones,
            Err(error) => apart.failed(part, error, &mut refused)?,
        }
    }
    if withhold {
        report.withheld = gone.len() as u64;
        report.counted_with_them = counted_with_them;
    }
    report.refused = refused;
    Ok(())
}

fn left_for_the_next_run(id: &str) -> String {
    format!("{id}: it is there, and large: left for the next run")
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
        turn::note(&tx, entity, turns.whole, &turn).await?;
    }
    tx.commit().await?;
    turns.turn = turn;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_allows_ten_records_or_two_percent_whichever_is_less_and_always_one() {
        let guard = Guard { records: 10, percent: 2.0 };
        for (held, limit) in [(4, 1), (40, 1), (150, 3), (499, 9), (500, 10), (11_460, 10), (0, 1)] {
            assert_eq!(guard.limit(held), limit, "of {held}");
        }
        assert_eq!(Guard { records: 0, percent: 2.0 }.limit(1000), 0);
    }
}
