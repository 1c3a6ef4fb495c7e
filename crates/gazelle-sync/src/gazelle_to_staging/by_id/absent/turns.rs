//! The turns of records that are asked for by their ids: those of a run, and what the guard counts beside what they bring.

use std::collections::HashSet;

use super::report::{AbsentReport, CountedWith, LookupAnswers};
use crate::db::DbError;
use crate::entities::Entity;
use crate::gazelle_to_staging::Fetch;
use crate::gazelle_to_staging::by_id::failures::MOST_FAILED_IN_A_ROW;
use crate::staging::deletions::{
    self, Gone,
    turn::{self, Turn},
};

/// Suspects that a run asks for one by one; where there are more, each has its turn.
pub(super) const MOST_ASKED: usize = 1000;

/// The turns of records that are asked for by their ids.
pub(super) struct Turns {
    /// Whether they are those of full syncs, or of walks of some days.
    pub(super) is_full: bool,
    /// As it is noted.
    noted: Turn,
    /// As this run goes on.
    pub(super) turn: Turn,
    /// All that a walk did not see, sorted.
    pub(super) suspects: Vec<String>,
    /// The records of the entity that earlier runs found gone and that await manual approval, whichever walk leaves them out.
    waiting: HashSet<String>,
    /// Whether some wait for a later run.
    pub(super) are_unfinished: bool,
}

impl Turns {
    pub(super) async fn begin(
        fetch: &Fetch,
        entity: &Entity,
        is_full: bool,
        suspects: Vec<String>,
    ) -> Result<Turns, DbError> {
        let noted = turn::of(&fetch.db, entity, is_full).await?;
        let waiting = match suspects.is_empty() {
            true => HashSet::new(),
            false => deletions::waiting_for_word(&fetch.db, entity).await?,
        };
        let mut turn = noted.clone();
        // The turns begin anew, with all of the guard. Not while something waits: it was withheld for what was deleted then.
        if suspects.last() <= turn.last.as_ref() && waiting.is_empty() {
            turn.deleted = 0;
        }
        Ok(Turns { is_full, noted, turn, suspects, waiting, are_unfinished: false })
    }

    /// Those that this run asks for.
    pub(super) fn chosen(&self) -> Vec<String> {
        in_turn(&self.suspects, self.turn.last.as_deref())
    }

    /// How many suspects were not asked for and await manual approval.
    pub(super) fn known_gone(&self, asked: &LookupAnswers) -> u64 {
        let unasked = self.suspects.iter().filter(|id| !asked.ids.contains(*id));
        unasked.filter(|id| self.waiting.contains(*id)).count() as u64
    }

    /// What the guard counts beside the records that were found gone: what the runs since the turns began have deleted, and what
    /// awaits manual approval, of this walk's days or of others: once withheld, a record is deleted by a decision alone. Where it
    /// is the API that ended the asking, also whatever it did not answer about, and where it gave no verdict about more than a
    /// few, those: they may be gone as well, and would be deleted in slices as the API comes and goes.
    pub(super) fn counted_with(&mut self, asked: &LookupAnswers, report: &AbsentReport) -> CountedWith {
        self.are_unfinished = report.unasked > 0;
        let is_settled = |id: &str| asked.gone.iter().any(|gone| gone.external_id == id);
        let waiting: HashSet<&str> =
            self.waiting.iter().map(String::as_str).filter(|id| !is_settled(id)).collect();
        let mut unknown: HashSet<&str> = HashSet::new();
        if report.failure.is_some() {
            unknown.extend(self.suspects.iter().map(String::as_str).filter(|id| !asked.ids.contains(*id)));
        }
        if report.failure.is_some() || asked.without_verdict.len() > MOST_FAILED_IN_A_ROW {
            unknown.extend(asked.without_verdict.iter().map(String::as_str));
        }
        CountedWith {
            deleted_before: self.turn.deleted,
            unknown: unknown.difference(&waiting).count() as u64,
            awaiting: waiting.len() as u64,
        }
    }

    /// Removes existing records from those that await manual approval, and returns their ids.
    pub(super) fn found_to_exist<'r>(&mut self, exist: &'r [String]) -> Vec<&'r str> {
        exist.iter().map(String::as_str).filter(|id| self.waiting.remove(*id)).collect()
    }

    /// Removes records from those that await manual approval, since they were deleted within the guard.
    pub(super) fn have_deleted(&mut self, gone: &[Gone]) {
        for gone in gone {
            self.waiting.remove(&gone.external_id);
        }
    }

    /// Notes how far this run has come.
    pub(super) async fn end(
        self,
        fetch: &Fetch,
        entity: &Entity,
        asked: &LookupAnswers,
        report: &AbsentReport,
    ) -> Result<(), DbError> {
        // Records that await manual approval are known to be gone.
        let waiting = report.unasked.saturating_sub(self.known_gone(asked));
        let is_done = report.unasked == 0;
        let before = self.noted.last.as_ref();
        let began_anew = before.is_some() && asked.last.is_some() && asked.last.as_ref() <= before;
        let waits = report.withheld > 0 || !self.waiting.is_empty();
        let deleted = match waits {
            true => self.turn.deleted,
            false if is_done => 0,
            false if began_anew => report.tombstones,
            false => self.turn.deleted,
        };
        let last = match is_done {
            true if deleted == 0 => None,
            // After the last of all, the turns begin anew.
            true => self.suspects.last().cloned(),
            false => asked.last.clone().or(self.turn.last),
        };
        let turn = Turn { last, deleted, waiting };
        // As it is where every run asks for all.
        if turn == self.noted {
            return Ok(());
        }
        let mut connection = fetch.db.connection().await?;
        let tx = fetch.fence.begin(&mut connection).await?;
        turn::note(&tx, entity, self.is_full, &turn).await?;
        tx.commit().await
    }
}

/// Those that a run asks for, of sorted ones: first those that come after the last one that was asked for.
fn in_turn(suspects: &[String], last: Option<&str>) -> Vec<String> {
    let next = suspects.partition_point(|id| last.is_some_and(|last| id.as_str() <= last));
    let (before, after) = suspects.split_at(next);
    after.iter().chain(before).take(MOST_ASKED).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_after_the_last_one_that_was_asked_for() {
        let ids = |from: usize, to: usize| -> Vec<String> { (from..to).map(|n| format!("{n:04}")).collect() };
        let few = ids(0, 4);
        assert_eq!(in_turn(&few, None), few);
        assert_eq!(in_turn(&few, Some("0001")), ["0002", "0003", "0000", "0001"]);
        assert_eq!(in_turn(&few, Some("00015")), ["0002", "0003", "0000", "0001"], "it is gone");
        assert_eq!(in_turn(&few, Some("9")), few, "after the last comes the first");
        let many = ids(0, MOST_ASKED + 10);
        assert_eq!(in_turn(&many, None), ids(0, MOST_ASKED));
        let asked = in_turn(&many, Some(&format!("{:04}", MOST_ASKED - 1)));
        assert_eq!(asked, [ids(MOST_ASKED, MOST_ASKED + 10), ids(0, MOST_ASKED - 10)].concat());
    }
}
