//! Spreads the lookups of many suspects over several runs, and keeps what the guard must count across these runs.

use std::collections::HashSet;

use super::report::{AbsentReport, CountedWith, LookupAnswers};
use crate::db::DbError;
use crate::entities::Entity;
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::by_id::failures::MOST_FAILED_IN_A_ROW;
use crate::staging::deletions::{self, GoneRecord};
use crate::staging::notes::lookup_progress::{self, LookupProgress};

/// The most suspects that a run looks up. If there are more, the next runs continue.
pub(super) const MOST_LOOKUPS: usize = 1000;

/// The position among an entity's suspects at which this run continues.
pub(super) struct SuspectTurns {
    /// Whether the walk was one of a full sync, or of some days: each keeps its own position.
    pub(super) is_full: bool,
    /// As stored by the run before.
    noted: LookupProgress,
    /// As updated by this run.
    pub(super) progress: LookupProgress,
    /// All records that the walk did not list, sorted by id.
    pub(super) suspects: Vec<String>,
    /// The records of the entity that earlier runs found gone and that await manual approval, whatever walk did
    /// not list them.
    awaiting_approval: HashSet<String>,
    /// Whether some suspects are left for a later run.
    pub(super) is_unfinished: bool,
}

impl SuspectTurns {
    pub(super) async fn load(
        fetch: &Fetch,
        entity: &Entity,
        is_full: bool,
        suspects: Vec<String>,
    ) -> Result<SuspectTurns, DbError> {
        let noted = lookup_progress::of(&fetch.run.db, entity, is_full).await?;
        let awaiting_approval = match suspects.is_empty() {
            true => HashSet::new(),
            false => deletions::awaiting_approval(&fetch.run.db, entity).await?,
        };
        let mut progress = noted.clone();
        // The round of lookups begins again, with all of the guard. Not while records are withheld: the
        // deletions of that round are why.
        if suspects.last() <= progress.last.as_ref() && awaiting_approval.is_empty() {
            progress.deleted = 0;
        }
        Ok(SuspectTurns { is_full, noted, progress, suspects, awaiting_approval, is_unfinished: false })
    }

    /// The suspects that this run looks up.
    pub(super) fn to_look_up(&self) -> Vec<String> {
        next_in_turn(&self.suspects, self.progress.last.as_deref())
    }

    /// How many suspects were not looked up and await manual approval.
    pub(super) fn count_awaiting_approval(&self, answers: &LookupAnswers) -> u64 {
        let unasked = self.suspects.iter().filter(|id| !answers.ids.contains(*id));
        unasked.filter(|id| self.awaiting_approval.contains(*id)).count() as u64
    }

    /// What the guard counts besides the records found gone: the deletions of this round of lookups, and the
    /// records that await manual approval, whatever walk did not list them, because a withheld record is
    /// deleted only by approval. If the API stopped the lookups, also the suspects without an answer; and if
    /// more than a few answers were unclear, those. They may be gone too, and would otherwise be deleted a few
    /// at a time while the API comes and goes.
    pub(super) fn counted_with(&mut self, answers: &LookupAnswers, report: &AbsentReport) -> CountedWith {
        self.is_unfinished = report.unasked > 0;
        let is_settled = |id: &str| answers.gone.iter().any(|gone| gone.external_id == id);
        let waiting: HashSet<&str> =
            self.awaiting_approval.iter().map(String::as_str).filter(|id| !is_settled(id)).collect();
        let mut unknown: HashSet<&str> = HashSet::new();
        if report.failure.is_some() {
            unknown.extend(self.suspects.iter().map(String::as_str).filter(|id| !answers.ids.contains(*id)));
        }
        if report.failure.is_some() || answers.without_verdict.len() > MOST_FAILED_IN_A_ROW {
            unknown.extend(answers.without_verdict.iter().map(String::as_str));
        }
        CountedWith {
            deleted_before: self.progress.deleted,
            unknown: unknown.difference(&waiting).count() as u64,
            awaiting: waiting.len() as u64,
        }
    }

    /// Removes existing records from those that await manual approval, and returns their ids.
    pub(super) fn remove_existing<'r>(&mut self, exist: &'r [String]) -> Vec<&'r str> {
        exist.iter().map(String::as_str).filter(|id| self.awaiting_approval.remove(*id)).collect()
    }

    /// Removes records that were deleted within the guard from those that await manual approval.
    pub(super) fn remove_deleted(&mut self, gone: &[GoneRecord]) {
        for gone in gone {
            self.awaiting_approval.remove(&gone.external_id);
        }
    }

    /// Stores the position for the next run.
    pub(super) async fn save(
        self,
        fetch: &Fetch,
        entity: &Entity,
        answers: &LookupAnswers,
        report: &AbsentReport,
    ) -> Result<(), DbError> {
        // Records that await manual approval are known to be gone.
        let waiting = report.unasked.saturating_sub(self.count_awaiting_approval(answers));
        let is_done = report.unasked == 0;
        let before = self.noted.last.as_ref();
        let began_anew = before.is_some() && answers.last.is_some() && answers.last.as_ref() <= before;
        let any_withheld = report.withheld > 0 || !self.awaiting_approval.is_empty();
        let deleted = match any_withheld {
            true => self.progress.deleted,
            false if is_done => 0,
            false if began_anew => report.tombstones,
            false => self.progress.deleted,
        };
        let last = match is_done {
            true if deleted == 0 => None,
            // After the last suspect the next round begins.
            true => self.suspects.last().cloned(),
            false => answers.last.clone().or(self.progress.last),
        };
        let progress = LookupProgress { last, deleted, waiting };
        // The usual case: every run looks up all suspects, and nothing has to be stored.
        if progress == self.noted {
            return Ok(());
        }
        let mut connection = fetch.run.db.connection().await?;
        let tx = fetch.run.fence.begin(&mut connection).await?;
        lookup_progress::note(&tx, entity, self.is_full, &progress).await?;
        tx.commit().await
    }
}

/// The ids to look up: first those after the last one that was looked up, then from the beginning. `suspects`
/// is sorted.
fn next_in_turn(suspects: &[String], last: Option<&str>) -> Vec<String> {
    let next = suspects.partition_point(|id| last.is_some_and(|last| id.as_str() <= last));
    let (before, after) = suspects.split_at(next);
    after.iter().chain(before).take(MOST_LOOKUPS).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_after_the_last_one_that_was_asked_for() {
        let ids = |from: usize, to: usize| -> Vec<String> { (from..to).map(|n| format!("{n:04}")).collect() };
        let few = ids(0, 4);
        assert_eq!(next_in_turn(&few, None), few);
        assert_eq!(next_in_turn(&few, Some("0001")), ["0002", "0003", "0000", "0001"]);
        assert_eq!(next_in_turn(&few, Some("00015")), ["0002", "0003", "0000", "0001"], "it is gone");
        assert_eq!(next_in_turn(&few, Some("9")), few, "after the last comes the first");
        let many = ids(0, MOST_LOOKUPS + 10);
        assert_eq!(next_in_turn(&many, None), ids(0, MOST_LOOKUPS));
        let asked = next_in_turn(&many, Some(&format!("{:04}", MOST_LOOKUPS - 1)));
        assert_eq!(asked, [ids(MOST_LOOKUPS, MOST_LOOKUPS + 10), ids(0, MOST_LOOKUPS - 10)].concat());
    }
}
