//! Chooses the next step of the service: what somebody asked for in the dashboard, a requested run, a run that is due, or a wait.

use std::time::Duration;

use jiff::Timestamp;

use super::schedule::DueNow;
use crate::entities::Entity;
use crate::run_log::actions::OpenAction;
use crate::run_log::run_requests::RequestedRun;

/// How often the service reads requests from the database, and the clock, which may have been set.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How long to wait after a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Do not wait.
    None,
    /// Until a time by the service's clock (UTC).
    Until(Timestamp),
    /// For a duration.
    For(Duration),
}

/// The next step.
#[derive(Debug)]
pub(super) enum NextStep {
    /// Do what somebody asked for in the dashboard.
    Act(OpenAction),
    /// Run what was requested.
    Requested(RequestedRun),
    /// Run what is due by the timetable.
    Scheduled(DueNow<&'static Entity>),
    /// Run nothing yet.
    Wait(Wait),
}

/// The runs that are requested or due.
pub(super) struct PendingWork {
    /// The next action of the dashboard.
    pub(super) action: Option<OpenAction>,
    /// The next requested run.
    pub(super) requested: Option<RequestedRun>,
    /// What is due by the timetable.
    pub(super) due: Option<DueNow<&'static Entity>>,
    /// When the timetable has a run due next, UTC.
    pub(super) next_due: Option<Timestamp>,
    /// Whether an entity waits for its own retry, which the timetable does not know.
    pub(super) some_backing_off: bool,
}

/// What delays runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delays {
    /// The rest of the delay after runs that failed on a database error.
    pub(super) broken: Duration,
    /// The rest of the delay after scheduled runs that did not complete any walk.
    pub(super) runs: Duration,
    /// The last run was a requested one: a run that is due goes first now.
    pub(super) last_was_requested: bool,
}

impl PendingWork {
    /// Chooses the next step. An action and a requested run do not wait for the delay after failed runs, and precede a
    /// run that is due, except directly after another requested run or action.
    pub(super) fn next_step(self, delays: Delays) -> NextStep {
        if !delays.broken.is_zero() {
            return NextStep::Wait(Wait::For(delays.broken.min(POLL_INTERVAL)));
        }
        let may_run = self.due.is_some() && delays.runs.is_zero();
        let has_turn = !(may_run && delays.last_was_requested);
        if let Some(action) = self.action.filter(|_| has_turn) {
            return NextStep::Act(action);
        }
        let requested = self.requested.filter(|_| has_turn);
        match (requested, self.due) {
            (Some(requested), _) => NextStep::Requested(requested),
            (None, Some(due)) if may_run => NextStep::Scheduled(due),
            (None, Some(_)) => NextStep::Wait(Wait::For(delays.runs.min(POLL_INTERVAL))),
            (None, None) if self.some_backing_off => NextStep::Wait(Wait::For(POLL_INTERVAL)),
            (None, None) => NextStep::Wait(Wait::Until(self.next_due.unwrap_or(Timestamp::MAX))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::states::RunMode;

    /// The next step for these inputs, as a word.
    fn next(requested: bool, due: bool, some_backing_off: bool, delays: Delays) -> String {
        let requested = requested.then(|| RequestedRun {
            ids: Vec::new(),
            mode: RunMode::Incremental,
            entities: Vec::new(),
        });
        let due = due.then(|| DueNow { mode: RunMode::Incremental, of: Vec::new() });
        let pending = PendingWork {
            action: None,
            requested,
            due,
            next_due: Some(Timestamp::UNIX_EPOCH),
            some_backing_off,
        };
        match pending.next_step(delays) {
            NextStep::Act(_) => "act".to_owned(),
            NextStep::Requested(_) => "requested".to_owned(),
            NextStep::Scheduled(_) => "scheduled".to_owned(),
            NextStep::Wait(Wait::For(time)) => format!("wait {} s", time.as_secs()),
            NextStep::Wait(Wait::Until(_)) => "wait until it is due".to_owned(),
            NextStep::Wait(Wait::None) => "no wait".to_owned(),
        }
    }

    #[test]
    fn an_action_goes_first_but_takes_turns_with_what_is_due() {
        let step = |due: bool, last_was_requested| {
            let action = OpenAction { id: uuid::Uuid::nil(), request: None, based_on: None };
            let due = due.then(|| DueNow { mode: RunMode::Incremental, of: Vec::new() });
            let pending = PendingWork {
                action: Some(action),
                requested: None,
                due,
                next_due: None,
                some_backing_off: false,
            };
            matches!(pending.next_step(Delays { last_was_requested, ..Delays::default() }), NextStep::Act(_))
        };
        assert!(step(false, false) && step(true, false) && step(false, true));
        assert!(!step(true, true), "many actions do not block the timetable");
    }

    #[test]
    fn requests_and_what_is_due_take_turns_and_failures_make_wait() {
        let none = Delays::default();
        let turn = Delays { last_was_requested: true, ..none };
        let broken = Delays { broken: Duration::from_secs(1), ..none };
        let failed = Delays { runs: Duration::from_secs(60), ..none };
        for (requested, due, some_backing_off, delays, expected) in [
            (false, false, false, none, "wait until it is due"),
            (false, false, true, none, "wait 2 s"),
            (false, true, false, none, "scheduled"),
            (true, false, false, none, "requested"),
            (true, true, false, none, "requested"),
            // A stream of requests does not block the timetable.
            (true, true, false, turn, "scheduled"),
            (true, false, false, turn, "requested"),
            // After a database error nothing runs, not even a request.
            (true, true, false, broken, "wait 1 s"),
            // After a run without any complete walk, scheduled runs wait and requested ones do not.
            (false, true, false, failed, "wait 2 s"),
            (true, true, false, failed, "requested"),
            (true, true, false, Delays { last_was_requested: true, ..failed }, "requested"),
        ] {
            let case = format!("requested {requested}, due {due}, some rest {some_backing_off}, {delays:?}");
            assert_eq!(next(requested, due, some_backing_off, delays), expected, "{case}");
        }
    }
}
