//! Whose turn it is to be asked for by its id: a run asks for some of the records that their list could not give whole, and
//! the next runs for others.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Records of an entity that are asked for by their ids in a run, because their list fails at them.
pub(crate) const MOST_ASKED: usize = 10;
/// Ids that are remembered at most.
const MOST_REMEMBERED: usize = 500;

/// What is to be done about a record that its list could not give whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskDecision {
    /// Ask for it by its id.
    Ask,
    /// It was asked for in an earlier run, or in this one: what came of it then is in staging.
    AskedBefore,
    /// It was never asked for, and this run has asked for as many as it may.
    NotYet,
    /// Either `NotYet`, or asked for in an earlier run whose note is no longer stored: keep the version that staging has.
    Unknown,
}

/// The turns of an entity's records in one run.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Asked for in earlier runs, the longest ago first.
    before: Vec<String>,
    /// Those of them that are to be asked for again in this run.
    due: HashSet<String>,
    /// Asked for in this run, and what came of it is on its way to staging.
    done: Vec<String>,
    /// How many more that were never asked for this run may ask for.
    left: usize,
    /// Whether some that were asked for may be missing from `before`.
    is_cut: bool,
    /// Whether this run met one that is not in `before` and did not ask for it.
    has_left_out: bool,
    /// Whether this run has listed every record of the entity.
    has_listed_all: bool,
    /// Listed whole, and denied by their getters in this run.
    denied: HashSet<String>,
}

/// What the next run is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The ids that were asked for, the longest ago first.
    pub(crate) ids: Vec<String>,
    /// Whether some are missing, since there were too many.
    pub(crate) is_cut: bool,
}

impl Turns {
    /// From what [`Turns::to_note`] gave after the run before.
    pub(crate) fn new(before: &[String], is_cut: bool) -> Turns {
        // Half of the requests at most are for those that had their turn, so that the others have one soon.
        let due: HashSet<String> = before.iter().take(MOST_ASKED / 2).cloned().collect();
        let left = MOST_ASKED - due.len();
        let is_cut = is_cut || before.len() >= MOST_REMEMBERED;
        Turns(Mutex::new(State { before: before.to_vec(), due, left, is_cut, ..State::default() }))
    }

    /// Whether it is a record's turn.
    pub(crate) fn of(&self, id: &str) -> AskDecision {
        let mut state = self.state();
        if state.due.remove(id) {
            return AskDecision::Ask;
        }
        let is_known = |ids: &[String]| ids.iter().any(|known| known == id);
        if is_known(&state.done) || is_known(&state.before) {
            return AskDecision::AskedBefore;
        }
        if state.left == 0 {
            state.has_left_out = true;
            return if state.is_cut { AskDecision::Unknown } else { AskDecision::NotYet };
        }
        state.left -= 1;
        AskDecision::Ask
    }

    /// What came of asking for a record goes to staging.
    pub(crate) fn had(&self, id: &str) {
        let mut state = self.state();
        state.before.retain(|known| known != id);
        state.done.push(id.to_owned());
    }

    /// Notes that its getter denies a record that its list has given. Says whether it is the first time in this run: then it
    /// keeps its turn for the next walk.
    pub(crate) fn is_first_denial(&self, id: &str) -> bool {
        let mut state = self.state();
        let is_first = state.denied.insert(id.to_owned());
        if is_first {
            state.due.insert(id.to_owned());
        }
        is_first
    }

    /// Every record of the entity was listed: one whose turn it was and that was not met is well, or gone.
    pub(crate) fn have_listed_all(&self) {
        self.state().has_listed_all = true;
    }

    /// What the next run is to know. Where not all were listed, those that were not met stay the first in turn.
    pub(crate) fn to_note(&self) -> Asked {
        let state = self.state();
        let is_settled = |id: &&String| state.has_listed_all && state.due.contains(*id);
        let still = state.before.iter().filter(|id| !is_settled(id));
        let all: Vec<String> = still.chain(&state.done).cloned().collect();
        let is_all_known = state.has_listed_all && !state.has_left_out;
        let is_cut = all.len() > MOST_REMEMBERED || state.is_cut && !is_all_known;
        Asked { ids: all[all.len().saturating_sub(MOST_REMEMBERED)..].to_vec(), is_cut }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
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
            let turns = Turns::new(&noted, false);
            let mut in_run = 0;
            for id in &ids {
                match turns.of(id) {
                    AskDecision::Ask => {
                        in_run += 1;
                        *asked.entry(id.clone()).or_default() += 1;
                        turns.had(id);
                    }
                    AskDecision::AskedBefore => assert!(asked.contains_key(id)),
                    AskDecision::NotYet => assert!(!asked.contains_key(id), "{id} in run {run}"),
                    AskDecision::Unknown => panic!("all are remembered"),
                }
                assert_ne!(turns.of(id), AskDecision::Ask, "twice in a run");
            }
            assert!(in_run <= MOST_ASKED, "{in_run} in run {run}");
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
        let turns = Turns::new(&before, false);
        assert_eq!(turns.of("id_1"), AskDecision::Ask);
        turns.had("id_1");
        // A part of the list, or one that broke off: those that were not met are the first in turn, in their order.
        assert_eq!(turns.to_note().ids, ["id_0", "id_2", "id_3", "id_4", "id_5", "id_6", "id_1"]);
        turns.have_listed_all();
        assert_eq!(turns.to_note().ids, ["id_5", "id_6", "id_1"], "not due: its turn comes");
    }

    #[test]
    fn who_was_asked_is_doubted_from_when_too_many_were_until_all_are_known() {
        let turns = Turns::new(&ids("id_", MOST_REMEMBERED), false);
        let new: Vec<AskDecision> = ids("new_", MOST_ASKED).iter().map(|id| turns.of(id)).collect();
        assert_eq!(new[..5], [AskDecision::Ask; 5]);
        assert_eq!(new[5..], [AskDecision::Unknown; 5]);
        turns.have_listed_all();
        assert!(turns.to_note().is_cut);
        let next = Turns::new(&ids("id_", 20), true);
        assert!(next.to_note().is_cut, "not all were listed");
        next.have_listed_all();
        assert!(!next.to_note().is_cut);
    }
}
