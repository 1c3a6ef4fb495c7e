//! The loop of the service and its steps.

use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{Backoff, LONGEST_WAIT};
use super::loop_state::LoopState;
use super::next_step::{Delays, NextStep, POLL_INTERVAL, PendingWork, Wait};
use super::run::LoopOutcome;
use super::schedule::Due;
use super::state::{CredentialCheck, ServiceState};
use super::{Opener, Service, tick};
use crate::access::trust::owners;
use crate::db::{Db, DbError};
use crate::entities::{ENTITIES, Entity};
use crate::gazelle_to_staging::requests::counts;
use crate::migrate;
use crate::migrate::demo;
use crate::people;
use crate::run_log::runs::{self, LastStarts};
use crate::run_log::{actions, run_requests};
use crate::source::GazelleClient;
use crate::states::RunMode;

/// Wait while another process holds the lease.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// SQLSTATE of a read-only database.
const READ_ONLY: &str = "25006";
/// Number of failures after which the database is opened again.
const REOPEN_AFTER: u32 = 2;

/// The result of reading requests and timetable.
struct PollResult {
    now: Timestamp,
    /// The last runs of each entity.
    past: Vec<(&'static Entity, LastStarts)>,
    /// The runs that are requested or due.
    pending: PendingWork,
}

impl<O: Opener> Service<O> {
    /// Runs until asked to stop; no failure ends it.
    pub async fn run(&self) {
        let mut duties = tick::start(&self.shared, &self.stop);
        let mut loop_state = LoopState::new(self.backoff());
        while !self.stop.is_cancelled() {
            self.shared.mark_progress();
            let step = tokio::select! {
                step = self.step(&mut loop_state) => step,
                () = self.wait_until_unresponsive() => {
                    self.release_lease().await;
                    break;
                }
            };
            let wait = match step {
                Ok(wait) => wait,
                Err(error) => self.note_database_failure(&mut loop_state, &error),
            };
            self.shared.mark_waiting();
            let (until, at_most) = match wait {
                Wait::None => continue,
                Wait::Until(at) => (at, POLL_INTERVAL),
                Wait::For(duration) => (Timestamp::MAX, duration),
            };
            tokio::select! {
                () = self.clock.wait(until, at_most) => {}
                () = self.shared.wake.notified() => {}
                () = self.stop.cancelled() => {}
            }
        }
        self.shared.set_state(ServiceState::Stopping);
        while duties.join_next().await.is_some() {}
    }

    /// One step: finds what is to be run, and runs it. Returns how long to wait after it.
    async fn step(&self, loop_state: &mut LoopState) -> anyhow::Result<Wait> {
        let (db, client) = self.open_if_needed(loop_state).await?;
        if self.shared.activity().credentials == CredentialCheck::Pending {
            self.try_credentials(&client).await;
        }
        let PollResult { now, past, pending } = self.poll(&db, loop_state).await?;
        let delays = Delays {
            broken: loop_state.broken.left().max(loop_state.read_only.left()),
            runs: loop_state.runs.left(),
            last_was_requested: loop_state.last_was_requested,
        };
        let next = pending.next_step(delays);
        if delays.broken.is_zero() {
            loop_state.last_was_requested = matches!(next, NextStep::Requested(_) | NextStep::Act(_));
        }
        let ended = match next {
            NextStep::Act(action) => self.run_action(&db, client.clone(), action).await,
            NextStep::Requested(requested) => self.run_requested(&db, client.clone(), requested).await,
            NextStep::Scheduled(due) => self.run_scheduled(&db, client.clone(), due, &past).await,
            NextStep::Wait(wait) => {
                self.shared.set_state(ServiceState::Waiting);
                return Ok(wait);
            }
        };
        match ended {
            Ok(ended) => {
                match ended {
                    LoopOutcome::Good { .. } => {
                        self.shared.update(|activity| activity.credentials = CredentialCheck::Accepted);
                    }
                    LoopOutcome::Bad { .. } => self.try_credentials(&client).await,
                    LoopOutcome::Busy(_)
                    | LoopOutcome::Nothing
                    | LoopOutcome::Interrupted
                    | LoopOutcome::Acted => {}
                }
                Ok(self.note(loop_state, ended, now))
            }
            Err(error) => {
                self.note_database_error(loop_state, &error);
                Ok(Wait::None)
            }
        }
    }

    /// The database and the client; opens them if necessary.
    async fn open_if_needed(&self, loop_state: &mut LoopState) -> anyhow::Result<(Db, GazelleClient)> {
        if let Some((db, client)) = &loop_state.open {
            // The owner of the tables, and triggers on them, may have changed since they were opened.
            owners::check(db).await?;
            return Ok((db.clone(), client.clone()));
        }
        let (db, client) = self.opener.open().await?;
        migrate::prepare(&db).await?;
        loop_state.open = Some((db.clone(), client.clone()));
        self.shared.set_db(Some(db.clone()));
        self.shared.set_outage(None);
        tracing::info!("the database is open");
        self.tell_how_to_invite(&db).await?;
        Ok((db, client))
    }

    /// Asks Gazelle for one record, so that refused credentials are reported at once and not by the next run. Other
    /// errors are left to the runs.
    async fn try_credentials(&self, client: &GazelleClient) {
        let asked = counts::count_whole(&client.with_attempts(1), ENTITIES[0]).await;
        let check = self.shared.activity().credentials.after(asked.as_ref().map(drop));
        if let CredentialCheck::Refused(error) = &check {
            tracing::error!("{error}");
        }
        self.shared.update(|activity| activity.credentials = check);
    }

    /// Says how the first person signs in to the dashboard. The link itself is a secret, which does not belong in a log.
    async fn tell_how_to_invite(&self, db: &Db) -> Result<(), DbError> {
        let mut connection = db.connection().await?;
        let tx = connection.begin().await?;
        let is_open = demo::is_demo_in(&tx).await? || people::exist(&tx).await?;
        if self.shared.settings.shows_dashboard() && !is_open {
            tracing::info!(
                "nobody is invited to the dashboard yet: `gazelle-sync people invite NAME --role operator` prints a link for \
                 the first person"
            );
        }
        Ok(())
    }

    /// Reads what is requested and what is due, and updates the reported activity.
    async fn poll(&self, db: &Db, loop_state: &mut LoopState) -> Result<PollResult, DbError> {
        let recorded = runs::past(db).await?;
        self.clock.follow(recorded.asked_at);
        let now = self.clock.now();
        let past: Vec<(&'static Entity, LastStarts)> = recorded
            .of
            .iter()
            .map(|(entity, past)| (*entity, loop_state.past_of(entity).and(*past, now)))
            .collect();
        let action = actions::next(db).await?;
        let requested = run_requests::next(db).await?;
        if loop_state.database.failures() > 0 {
            // The database is back: runs that failed with it need no further delay.
            loop_state.broken.succeeded();
        }
        loop_state.database.succeeded();
        let awake: Vec<(&'static Entity, LastStarts)> =
            past.iter().copied().filter(|(entity, _)| !loop_state.is_backing_off(entity)).collect();
        let due = self.timetable.due_of(&awake, now);
        let (incremental, full) = self.next_due(&past, now);
        self.shared.update(|activity| {
            activity.last_good_run_at = recorded.last_good;
            if loop_state.is_healthy() {
                activity.problem = None;
            }
            (activity.next_incremental, activity.next_full) = (incremental, full);
        });
        let next_due = incremental.into_iter().chain(full).min();
        let some_backing_off = awake.len() < past.len();
        Ok(PollResult {
            now,
            past,
            pending: PendingWork { action, requested, due, next_due, some_backing_off },
        })
    }

    /// The delays after runs without any complete walk.
    fn backoff(&self) -> Backoff {
        let first_wait = self.shared.settings.retry_delay() * 6;
        Backoff::new(first_wait.min(LONGEST_WAIT), LONGEST_WAIT)
    }

    /// When the next incremental and the next full run are due, UTC.
    fn next_due(
        &self,
        past: &[(&'static Entity, LastStarts)],
        now: Timestamp,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let mut next = (None, None);
        let sooner = |one: Option<Timestamp>, other: Timestamp| Some(one.map_or(other, |one| one.min(other)));
        for (_, past) in past {
            match self.timetable.due(*past, now) {
                Due::Now { mode: RunMode::Full } => next = (sooner(next.0, now), sooner(next.1, now)),
                Due::Now { mode: RunMode::Incremental } => next.0 = sooner(next.0, now),
                Due::Later { incremental, full } => {
                    next = (sooner(next.0, incremental), sooner(next.1, full));
                }
            }
        }
        next
    }

    /// Updates the state after a run. Returns how long to wait.
    fn note(&self, loop_state: &mut LoopState, ended: LoopOutcome, began: Timestamp) -> Wait {
        self.shared.set_state(ServiceState::Waiting);
        match ended {
            LoopOutcome::Busy(who) => {
                if !loop_state.busy_was_logged {
                    tracing::info!("{who}; waiting for it");
                }
                loop_state.busy_was_logged = true;
                return Wait::For(BUSY_WAIT);
            }
            // Done by another process, or in progress there: the next poll shows which.
            LoopOutcome::Nothing => return Wait::For(POLL_INTERVAL),
            LoopOutcome::Interrupted | LoopOutcome::Acted => loop_state.note_database_ok(),
            LoopOutcome::Good { mode, of, short, reasons, failed } => {
                loop_state.note_database_ok();
                loop_state.runs.succeeded();
                for entity in &of {
                    loop_state.note_walked(entity, began, mode);
                }
                loop_state.note_failed(&of, failed && short.is_empty());
                for entity in &short {
                    let (failures, wait) = loop_state.note_short(entity, || self.backoff());
                    tracing::warn!(
                        entity = entity.name,
                        failures,
                        wait_seconds = wait.as_secs(),
                        "the walk stayed incomplete and is tried again: {reasons}"
                    );
                }
                if failed || !short.is_empty() {
                    self.shared.update(|activity| activity.problem = Some(reasons));
                }
            }
            LoopOutcome::Bad { of, reasons } => {
                loop_state.note_database_ok();
                let (failures, wait) = loop_state.note_bad(&of, || self.backoff());
                tracing::warn!(
                    failures,
                    wait_seconds = wait.as_secs(),
                    "the run did not do all of its work and is tried again: {reasons}"
                );
                self.shared.update(|activity| activity.problem = Some(reasons));
            }
        }
        loop_state.busy_was_logged = false;
        Wait::None
    }

    /// Logs that a run failed on a database error, and delays the next one.
    fn note_database_error(&self, loop_state: &mut LoopState, error: &DbError) {
        let read_only = error.state.as_deref() == Some(READ_ONLY);
        let backoff = if read_only { &mut loop_state.read_only } else { &mut loop_state.broken };
        let wait = backoff.failed();
        let failures = loop_state.broken_failures();
        tracing::warn!(
            failures,
            wait_seconds = wait.as_secs(),
            "the database broke off the run; trying again: {error}"
        );
        self.shared.set_state(ServiceState::Waiting);
        self.shared.update(|activity| activity.problem = Some(error.to_string()));
        // A read-only database can still be read, so its connections are good.
        if failures >= REOPEN_AFTER && !read_only {
            loop_state.open = None;
            self.shared.set_db(None);
        }
    }

    /// Logs a database failure, drops the connections after repeated ones, and returns the delay.
    fn note_database_failure(&self, loop_state: &mut LoopState, error: &anyhow::Error) -> Wait {
        let wait = loop_state.database.failed();
        let failures = loop_state.database.failures();
        let reason = format!("{error:#}");
        tracing::warn!(failures, wait_seconds = wait.as_secs(), "trying again: {reason}");
        self.shared.set_outage(error.downcast_ref::<DbError>().and_then(DbError::outage));
        // A run that failed with the database is due again as soon as the database is back.
        self.shared.set_state(ServiceState::Waiting);
        self.shared.update(|activity| activity.problem = Some(reason));
        if failures >= REOPEN_AFTER {
            loop_state.open = None;
            self.shared.set_db(None);
        }
        Wait::For(wait)
    }
}
