//! Whose turn it is to be asked for by its id: a run asks for some of the records that their list could not give whole, and
//! the next runs for others.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Records of an entity that are asked for by their ids in a run, because their list fails at them.
pub(super) const MOST_ASKED: usize = 10;
/// Ids that are remembered at most.
const MOST_REMEMBERED: usize = 500;

/// What is to be done about a record that its list could not give whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ask for it by its id.
    Ask,
    /// It was asked for in an earlier run, or in this one: what came of it then is in staging.
    AskedBefore,
    /// It was never asked for, and this run has asked for as many as it may.
    NotYet,
}

/// The turns of an entity's records in one run.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<State>);

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
}

impl Turns {
    /// `before`: what [`Turns::to_note`] gave after the run before.
    pub(super) fn new(before: &[String]) -> Turns {
        // Half of the requests at most are for those that had their turn, so that the others have one soon.
        let due: HashSet<String> = before.iter().take(MOST_ASKED / 2).cloned().collect();
        let left = MOST_ASKED - due.len();
        Turns(Mutex::new(State { before: before.to_vec(), due, done: Vec::new(), left }))
    }

    /// Whether it is a record's turn.
    pub(super) fn of(&self, id: &str) -> Turn {
        let mut state = self.state();
        if state.due.remove(id) {
            return Turn::Ask;
        }
        let is_known = |ids: &[String]| ids.iter().any(|known| known == id);
        if is_known(&state.done) || is_known(&state.before) {
            return Turn::AskedBefore;
        }
        if state.left == 0 {
            return Turn::NotYet;
        }
        state.left -= 1;
        Turn::Ask
    }

    /// What came of asking for a record goes to staging.
    pub(super) fn had(&self, id: &str) {
        let mut state = self.state();
        state.before.retain(|known| known != id);
        state.done.push(id.to_owned());
    }

    /// What the next run is to know. A record whose turn it was and that was not met is well, or gone.
    pub(super) fn to_note(&self) -> Vec<String> {
        let state = self.state();
        let still = state.before.iter().filter(|id| !state.due.contains(*id));
        let all: Vec<String> = still.chain(&state.done).cloned().collect();
        all[all.len().saturating_sub(MOST_REMEMBERED)..].to_vec()
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
            let turns = Turns::new(&noted);
            let mut in_run = 0;
            for id in &ids {
                match turns.of(id) {
                    Turn::Ask => {
                        in_run += 1;
                        *asked.entry(id.clone()).or_default() += 1;
                        turns.had(id);
                    }
                    Turn::AskedBefore => assert!(asked.contains_key(id)),
                    Turn::NotYet => assert!(!asked.contains_key(id), "{id} in run {run}"),
                }
                assert_ne!(turns.of(id), Turn::Ask, "twice in a run");
            }
            assert!(in_run <= MOST_ASKED, "{in_run} in run {run}");
            noted = turns.to_note();
        }
        assert_eq!(asked.len(), ids.len());
        assert!(asked.values().all(|times| *times >= 2), "{asked:?}");
    }

    #[test]
    fn a_record_that_is_met_no_more_is_forgotten() {
        let turns = Turns::new(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(turns.of("a"), Turn::Ask);
        turns.had("a");
        assert_eq!(turns.to_note(), ["a"]);
    }
}
