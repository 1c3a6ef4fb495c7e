//! What the service does next: a run that is asked for, one that is due, or nothing yet.

use std::time::Duration;

use jiff::Timestamp;

use crate::entities::Entity;
use crate::orchestrator::schedule::DueNow;
use crate::run_log::wanted_runs::RequestedRun;

/// How often the service looks for requests in the database, and at the clock, which may have been set.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// How long to wait after a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Not at all.
    None,
    /// Until an instant by the service's clock.
    Until(Timestamp),
    /// So long.
    For(Duration),
}

/// What is done next.
#[derive(Debug)]
pub(super) enum NextStep {
    /// What somebody asked for is run.
    Requested(RequestedRun),
    /// What is due by the timetable is run.
    Scheduled(DueNow<&'static Entity>),
    /// Nothing.
    Wait(Wait),
}

/// What there is to do.
pub(super) struct Waiting {
    /// What somebody asked for.
    pub(super) requested: Option<RequestedRun>,
    /// What is due by the timetable.
    pub(super) due: Option<DueNow<&'static Entity>>,
    /// When something is due next.
    pub(super) next_due: Option<Timestamp>,
    /// Whether an entity waits for another try of its own, which the timetable does not know of.
    pub(super) some_rest: bool,
}

/// What keeps runs waiting.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delays {
    /// After runs that the database broke off.
    pub(super) broken: Duration,
    /// After scheduled runs that did not do their work.
    pub(super) runs: Duration,
    /// The last run was asked for: what is due goes first now.
    pub(super) last_was_requested: bool,
}

impl Waiting {
    /// Decides what is done next. A run that is asked for does not wait for earlier failures, and goes first, but for every second
    /// time where something is due.
    pub(super) fn next_step(self, delays: Delays) -> NextStep {
        if !delays.broken.is_zero() {
            return NextStep::Wait(Wait::For(delays.broken.min(LOOK)));
        }
        let may_run = self.due.is_some() && delays.runs.is_zero();
        let requested = self.requested.filter(|_| !(may_run && delays.last_was_requested));
        match (requested, self.due) {
            (Some(requested), _) => NextStep::Requested(requested),
            (None, Some(due)) if may_run => NextStep::Scheduled(due),
            (None, Some(_)) => NextStep::Wait(Wait::For(delays.runs.min(LOOK))),
            (None, None) if self.some_rest => NextStep::Wait(Wait::For(LOOK)),
            (None, None) => NextStep::Wait(Wait::Until(self.next_due.unwrap_or(Timestamp::MAX))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::RunMode;

    /// What is done next, in a word, with these things to do.
    fn next(requested: bool, due: bool, some_rest: bool, delays: Delays) -> String {
        let requested = requested.then(|| RequestedRun {
            ids: Vec::new(),
            mode: RunMode::Incremental,
            entities: Vec::new(),
        });
        let due = due.then(|| DueNow { mode: RunMode::Incremental, of: Vec::new() });
        let waiting = Waiting { requested, due, next_due: Some(Timestamp::UNIX_EPOCH), some_rest };
        match waiting.next_step(delays) {
            NextStep::Requested(_) => "requested".to_owned(),
            NextStep::Scheduled(_) => "scheduled".to_owned(),
            NextStep::Wait(Wait::For(time)) => format!("wait {} s", time.as_secs()),
            NextStep::Wait(Wait::Until(_)) => "wait until it is due".to_owned(),
            NextStep::Wait(Wait::None) => "no wait".to_owned(),
        }
    }

    #[test]
    fn requests_and_what_is_due_take_turns_and_failures_make_wait() {
        let none = Delays::default();
        let turn = Delays { last_was_requested: true, ..none };
        let broken = Delays { broken: Duration::from_secs(1), ..none };
        let failed = Delays { runs: Duration::from_secs(60), ..none };
        for (requested, due, some_rest, delays, expected) in [
            (false, false, false, none, "wait until it is due"),
            (false, false, true, none, "wait 2 s"),
            (false, true, false, none, "scheduled"),
            (true, false, false, none, "requested"),
            (true, true, false, none, "requested"),
            // A stream of requests does not keep the timetable from its turn.
            (true, true, false, turn, "scheduled"),
            (true, false, false, turn, "requested"),
            // The database broke off a run: nothing is run, whoever asks.
            (true, true, false, broken, "wait 1 s"),
            // After a run that did not do its work, what is due waits, and a person does not.
            (false, true, false, failed, "wait 2 s"),
            (true, true, false, failed, "requested"),
            (true, true, false, Delays { last_was_requested: true, ..failed }, "requested"),
        ] {
            let case = format!("requested {requested}, due {due}, some rest {some_rest}, {delays:?}");
            assert_eq!(next(requested, due, some_rest, delays), expected, "{case}");
        }
    }
}
