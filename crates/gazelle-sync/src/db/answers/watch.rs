//! Decides how long to wait for an unanswered statement. Pure: the caller passes what was seen of the statement, and
//! when.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::limits::Limits;
use crate::db::database::{ServerActivity, Silence};

/// Factor on the silence limit while the server waits for us to send the rest of a statement or to take the rest of
/// an answer.
const SLOW_SENDING: u32 = 4;
/// How often the log repeats who holds the lock.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The state of one unanswered statement.
pub(in crate::db) struct Watch {
    limits: Limits,
    /// The longest that it may take, even while the server works on it.
    longest: Duration,
    begun: Instant,
    sign_of_life: Instant,
    /// Since when it waits for a lock.
    waiting_since: Option<Instant>,
    warned_at: Option<Instant>,
    was_working: bool,
    rows: u64,
}

/// What to do after a look at a statement.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::db) enum WatchDecision {
    /// Go on waiting.
    Wait,
    /// Go on waiting, and log who holds the lock.
    Warn { since: Option<Timestamp>, held_by: String },
    /// The statement has failed.
    GiveUp(GiveUpReason),
}

/// Why a statement has failed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::db) enum GiveUpReason {
    /// The lock was not granted in time.
    Lock { waited: Duration, held_by: String },
    /// The server showed no activity.
    Silent { silence: Silence, limit: Duration },
    /// It exceeded the longest time that any statement may take.
    TooLong { limit: Duration },
}

impl Watch {
    /// The watch of a statement that was sent at `begun`.
    pub(in crate::db) fn new(limits: Limits, longest: Duration, begun: Instant) -> Watch {
        Watch {
            limits,
            longest,
            begun,
            sign_of_life: begun,
            waiting_since: None,
            warned_at: None,
            was_working: false,
            rows: 0,
        }
    }

    /// Notes how many rows were received, and returns whether they are more than before.
    pub(in crate::db) fn note_rows(&mut self, rows: u64, now: Instant) -> bool {
        let have_come = rows != std::mem::replace(&mut self.rows, rows);
        if have_come {
            self.note_activity(now);
        }
        have_come
    }

    /// Notes a sign of life.
    pub(in crate::db) fn note_activity(&mut self, now: Instant) {
        self.sign_of_life = now;
    }

    /// What to do after this look.
    pub(in crate::db) fn judge(&mut self, seen: ServerActivity, now: Instant) -> WatchDecision {
        match seen {
            ServerActivity::Working => {
                (self.sign_of_life, self.waiting_since, self.was_working) = (now, None, true);
                WatchDecision::Wait
            }
            ServerActivity::Waiting { since, held_by } => self.judge_lock(since, held_by, now),
            ServerActivity::Nothing(silence) => {
                let limit = self.limits.silence * if silence.waits_for_us { SLOW_SENDING } else { 1 };
                match now - self.sign_of_life >= limit {
                    true => WatchDecision::GiveUp(GiveUpReason::Silent { silence, limit }),
                    false => WatchDecision::Wait,
                }
            }
            ServerActivity::Unknown => WatchDecision::Wait,
        }
    }

    fn judge_lock(&mut self, since: Option<Timestamp>, held_by: String, now: Instant) -> WatchDecision {
        self.sign_of_life = now;
        // A statement that was never seen working has waited from its beginning.
        let from = if self.was_working { now } else { self.begun };
        let waited = now - *self.waiting_since.get_or_insert(from);
        if waited >= self.limits.lock_wait {
            return WatchDecision::GiveUp(GiveUpReason::Lock { waited, held_by });
        }
        if self.warned_at.is_some_and(|at| now - at < SAY_AGAIN_AFTER) {
            return WatchDecision::Wait;
        }
        self.warned_at = Some(now);
        WatchDecision::Warn { since, held_by }
    }

    /// `Some` once the statement has exceeded the longest time, whatever was seen of it.
    pub(in crate::db) fn overdue(&self, now: Instant) -> Option<GiveUpReason> {
        (now - self.begun >= self.longest).then_some(GiveUpReason::TooLong { limit: self.longest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(1800);

    fn waiting() -> ServerActivity {
        ServerActivity::Waiting { since: None, held_by: "session 7".to_owned() }
    }

    fn nothing(waits_for_us: bool) -> ServerActivity {
        ServerActivity::Nothing(Silence { why: "nothing".to_owned(), waits_for_us })
    }

    /// The verdict of each look, by the second at which it is made.
    fn verdicts(looks: impl IntoIterator<Item = (u64, ServerActivity)>) -> Vec<WatchDecision> {
        let begun = Instant::now();
        let mut watch = Watch::new(Limits::default(), LONGEST, begun);
        looks.into_iter().map(|(at, seen)| watch.judge(seen, begun + Duration::from_secs(at))).collect()
    }

    fn last(looks: impl IntoIterator<Item = (u64, ServerActivity)>) -> WatchDecision {
        verdicts(looks).pop().unwrap()
    }

    #[test]
    fn silence_is_given_up_after_its_limit_and_later_where_the_server_waits_for_us() {
        let silent = |waits_for_us, seconds| {
            WatchDecision::GiveUp(GiveUpReason::Silent {
                silence: Silence { why: "nothing".to_owned(), waits_for_us },
                limit: Duration::from_secs(seconds),
            })
        };
        for (looks, verdict) in [
            (vec![(29, nothing(false))], WatchDecision::Wait),
            (vec![(30, nothing(false))], silent(false, 30)),
            (vec![(119, nothing(true))], WatchDecision::Wait),
            (vec![(120, nothing(true))], silent(true, 120)),
            // Counted from the last sign of life.
            (vec![(20, ServerActivity::Working), (49, nothing(false))], WatchDecision::Wait),
            (vec![(20, ServerActivity::Working), (50, nothing(false))], silent(false, 30)),
            (vec![(20, waiting()), (49, nothing(false))], WatchDecision::Wait),
            // An unknown result is no sign of life, and no reason to give up.
            (vec![(90, ServerActivity::Unknown)], WatchDecision::Wait),
            (vec![(20, ServerActivity::Unknown), (30, nothing(false))], silent(false, 30)),
        ] {
            let told = format!("{looks:?}");
            assert_eq!(last(looks), verdict, "{told}");
        }
    }

    #[test]
    fn who_holds_a_lock_is_said_at_once_and_once_a_minute() {
        let warn = || WatchDecision::Warn { since: None, held_by: "session 7".to_owned() };
        assert_eq!(
            verdicts([5, 6, 64, 65, 66].map(|at| (at, waiting()))),
            [warn(), WatchDecision::Wait, WatchDecision::Wait, warn(), WatchDecision::Wait]
        );
    }

    #[test]
    fn a_lock_is_waited_for_from_the_beginning_unless_the_statement_was_seen_working() {
        let given_up = |waited| {
            let waited = Duration::from_secs(waited);
            WatchDecision::GiveUp(GiveUpReason::Lock { waited, held_by: "session 7".to_owned() })
        };
        assert_eq!(last([(5, waiting()), (300, waiting())]), given_up(300));
        assert_eq!(last([(5, ServerActivity::Working), (6, waiting()), (306, waiting())]), given_up(300));
        assert_ne!(last([(5, ServerActivity::Working), (6, waiting()), (305, waiting())]), given_up(299));
        // It was granted that lock, and waits for another one.
        let looks = [(5, waiting()), (200, ServerActivity::Working), (201, waiting()), (400, waiting())];
        assert!(matches!(last(looks), WatchDecision::Warn { .. }));
    }

    #[test]
    fn rows_that_come_are_a_sign_of_life_and_nothing_may_last_for_ever() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut watch = Watch::new(Limits::default(), LONGEST, begun);
        assert!(watch.note_rows(3, at(25)) && !watch.note_rows(3, at(26)));
        assert_eq!(watch.judge(nothing(false), at(54)), WatchDecision::Wait);
        assert_eq!(watch.overdue(at(1799)), None);
        assert_eq!(watch.overdue(at(1800)), Some(GiveUpReason::TooLong { limit: LONGEST }));
    }
}
