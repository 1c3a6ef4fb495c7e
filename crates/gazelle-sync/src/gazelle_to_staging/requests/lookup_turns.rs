//! Limits the lookups by id of records that their list could not give whole: each run looks up some of them,
//! and later runs the others.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The most records of an entity that a run looks up by their ids because their list fails at them.
pub(crate) const MOST_LOOKUPS: usize = 10;
/// The most ids that are stored from run to run.
const MOST_REMEMBERED: usize = 500;

/// What to do with a record that its list could not give whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupDecision {
    /// Look it up by its id.
    LookUp,
    /// It was looked up in an earlier run, or in this one. Staging has the result.
    LookedUpBefore,
    /// It was never looked up, and this run has used all its lookups.
    NotYet,
    /// Either `NotYet`, or looked up by an earlier run whose note no longer fits: keep the version that staging
    /// has.
    Unknown,
}

/// Decides which records of an entity are looked up in one run.
#[derive(Debug, Default)]
pub(crate) struct LookupTurns(Mutex<TurnState>);

#[derive(Debug, Default)]
struct TurnState {
    /// Ids looked up in earlier runs, oldest lookup first.
    before: Vec<String>,
    /// Those of `before` that this run is to look up again.
    due: HashSet<String>,
    /// Ids looked up in this run. Their results are queued for staging.
    looked_up: Vec<String>,
    /// How many records that were never looked up this run may still look up.
    first_lookups_left: usize,
    /// Whether `before` may lack ids that were looked up.
    is_cut: bool,
    /// Whether this run skipped a record that is not in `before`.
    has_skipped_new: bool,
    /// Whether this run has listed every record of the entity.
    has_listed_all: bool,
    /// Ids that the list named and whose getter says that they do not exist, in this run.
    denied: HashSet<String>,
}

/// What is stored for the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookupHistory {
    /// The ids that were looked up, oldest lookup first.
    pub(crate) ids: Vec<String>,
    /// Whether ids are missing because there were too many.
    pub(crate) is_cut: bool,
}

impl LookupTurns {
    /// Continues from what [`LookupTurns::to_note`] returned in the run before.
    pub(crate) fn new(before: &[String], is_cut: bool) -> LookupTurns {
        // At most half of the lookups repeat earlier ones, so that records that were never looked up get theirs
        // soon.
        let due: HashSet<String> = before.iter().take(MOST_LOOKUPS / 2).cloned().collect();
        let first_lookups_left = MOST_LOOKUPS - due.len();
        let is_cut = is_cut || before.len() >= MOST_REMEMBERED;
        LookupTurns(Mutex::new(TurnState {
            before: before.to_vec(),
            due,
            first_lookups_left,
            is_cut,
            ..TurnState::default()
        }))
    }

    /// Decides whether to look up a record now. Counts the lookup against this run's limit.
    pub(crate) fn decide(&self, id: &str) -> LookupDecision {
        let mut state = self.state();
        if state.due.remove(id) {
            return LookupDecision::LookUp;
        }
        let is_known = |ids: &[String]| ids.iter().any(|known| known == id);
        if is_known(&state.looked_up) || is_known(&state.before) {
            return LookupDecision::LookedUpBefore;
        }
        if state.first_lookups_left == 0 {
            state.has_skipped_new = true;
            return if state.is_cut { LookupDecision::Unknown } else { LookupDecision::NotYet };
        }
        state.first_lookups_left -= 1;
        LookupDecision::LookUp
    }

    /// Notes that a record was looked up and that its result is queued for staging.
    pub(crate) fn note_lookup(&self, id: &str) {
        let mut state = self.state();
        state.before.retain(|known| known != id);
        state.looked_up.push(id.to_owned());
    }

    /// Notes that the getter says a listed record does not exist. Returns whether this is the first time in
    /// this run; if so, the record is looked up again in the next attempt at the walk.
    pub(crate) fn is_first_denial(&self, id: &str) -> bool {
        let mut state = self.state();
        let is_first = state.denied.insert(id.to_owned());
        if is_first {
            state.due.insert(id.to_owned());
        }
        is_first
    }

    /// Notes that every record of the entity was listed: a record that was due and did not fail again is whole,
    /// or gone.
    pub(crate) fn note_all_listed(&self) {
        self.state().has_listed_all = true;
    }

    /// What to store for the next run. If not all records were listed, ids that were due and did not fail come
    /// first again.
    pub(crate) fn to_note(&self) -> LookupHistory {
        let state = self.state();
        let is_settled = |id: &&String| state.has_listed_all && state.due.contains(*id);
        let still = state.before.iter().filter(|id| !is_settled(id));
        let all: Vec<String> = still.chain(&state.looked_up).cloned().collect();
        let is_all_known = state.has_listed_all && !state.has_skipped_new;
        let is_cut = all.len() > MOST_REMEMBERED || state.is_cut && !is_all_known;
        LookupHistory { ids: all[all.len().saturating_sub(MOST_REMEMBERED)..].to_vec(), is_cut }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, TurnState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn every_record_gets_its_turn_and_none_is_forgotten_for_the_others() {
        let ids: Vec<String> = (0..37).map(|n| format!("id_{n}")).collect();
        let mut noted: Vec<String> = Vec::new();
        let mut asked: HashMap<String, usize> = HashMap::new();
        for run in 0..16 {
            let turns = LookupTurns::new(&noted, false);
            let mut in_run = 0;
            for id in &ids {
                match turns.decide(id) {
                    LookupDecision::LookUp => {
                        in_run += 1;
                        *asked.entry(id.clone()).or_default() += 1;
                        turns.note_lookup(id);
                    }
                    LookupDecision::LookedUpBefore => assert!(asked.contains_key(id)),
                    LookupDecision::NotYet => assert!(!asked.contains_key(id), "{id} in run {run}"),
                    LookupDecision::Unknown => panic!("all are remembered"),
                }
                assert_ne!(turns.decide(id), LookupDecision::LookUp, "twice in a run");
            }
            assert!(in_run <= MOST_LOOKUPS, "{in_run} in run {run}");
            noted = turns.to_note().ids;
        }
        assert_eq!(asked.len(), ids.len());
        assert!(asked.values().all(|times| *times >= 2), "{asked:?}");
    }

    fn ids(prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|n| format!("{prefix}{n}")).collect()
    }

    #[test]
    fn a_record_that_is_met_no_more_is_forgotten_where_all_were_listed() {
        let before = ids("id_", 7);
        let turns = LookupTurns::new(&before, false);
        assert_eq!(turns.decide("id_1"), LookupDecision::LookUp);
        turns.note_lookup("id_1");
        // Only a part was listed, or the walk ended early: ids that did not fail again come first, in their order.
        assert_eq!(turns.to_note().ids, ["id_0", "id_2", "id_3", "id_4", "id_5", "id_6", "id_1"]);
        turns.note_all_listed();
        assert_eq!(turns.to_note().ids, ["id_5", "id_6", "id_1"], "not due: its turn comes");
    }

    #[test]
    fn who_was_asked_is_doubted_from_when_too_many_were_until_all_are_known() {
        let turns = LookupTurns::new(&ids("id_", MOST_REMEMBERED), false);
        let new: Vec<LookupDecision> = ids("new_", MOST_LOOKUPS).iter().map(|id| turns.decide(id)).collect();
        assert_eq!(new[..5], [LookupDecision::LookUp; 5]);
        assert_eq!(new[5..], [LookupDecision::Unknown; 5]);
        turns.note_all_listed();
        assert!(turns.to_note().is_cut);
        let next = LookupTurns::new(&ids("id_", 20), true);
        assert!(next.to_note().is_cut, "not all were listed");
        next.note_all_listed();
        assert!(!next.to_note().is_cut);
    }
}
