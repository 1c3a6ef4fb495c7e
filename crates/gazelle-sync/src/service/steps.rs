//! The loop of the service, step by step.

use std::time::Duration;

use jiff::Timestamp;

use super::backoff::{Backoff, LONGEST_WAIT};
use super::memory::Memory;
use super::next_step::{Delays, LOOK, NextStep, Wait, Waiting};
use super::run::Ended;
use super::{Opener, Service, tick};
use crate::access::owners;
use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::migrate;
use crate::orchestrator::schedule::Due;
use crate::run_log::runs::{self, Past};
use crate::run_log::wanted_runs;
use crate::source::GazelleClient;
use crate::states::RunMode;

/// Wait while another runner is at work.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// SQLSTATE of a database that takes no writes.
const READ_ONLY: &str = "25006";
/// Failures of the database after which it is opened anew.
const REOPEN_AFTER: u32 = 2;

/// What a look at the database and the clock found.
struct Look {
    now: Timestamp,
    /// When each entity was run last.
    past: Vec<(&'static Entity, Past)>,
    /// What there is to do.
    waiting: Waiting,
}

impl<O: Opener> Service<O> {
    /// Runs until asked to stop. Nothing but that ends it.
    pub async fn run(&self) {
        let mut duties = tick::start(&self.shared, &self.stop);
        let mut memory = Memory::new(self.backoff());
        while !self.stop.is_cancelled() {
            self.shared.mark_progress();
            let step = tokio::select! {
                step = self.step(&mut memory) => step,
                () = self.given_up() => {
                    self.give_lease_back().await;
                    break;
                }
            };
            let wait = match step {
                Ok(wait) => wait,
                Err(error) => self.database_trouble(&mut memory, &error),
            };
            self.shared.rest();
            let (until, at_most) = match wait {
                Wait::None => continue,
                Wait::Until(at) => (at, LOOK),
                Wait::For(duration) => (Timestamp::MAX, duration),
            };
            tokio::select! {
                () = self.clock.wait(until, at_most) => {}
                () = self.shared.wake.notified() => {}
                () = self.stop.cancelled() => {}
            }
        }
        self.shared.set_state("stopping", None, None);
        while duties.join_next().await.is_some() {}
    }

    /// One look at what is to be done, and doing it.
    async fn step(&self, memory: &mut Memory) -> anyhow::Result<Wait> {
        let (db, client) = self.opened(memory).await?;
        let Look { now, past, waiting } = self.look(&db, memory).await?;
        let delays = Delays {
            broken: memory.broken.left().max(memory.read_only.left()),
            runs: memory.runs.left(),
            last_was_requested: memory.last_was_wanted,
        };
        let next = waiting.next_step(delays);
        if delays.broken.is_zero() {
            memory.last_was_wanted = matches!(next, NextStep::Requested(_));
        }
        let ended = match next {
            NextStep::Requested(requested) => self.run_wanted(&db, client, requested).await,
            NextStep::Scheduled(due) => self.run_scheduled(&db, client, due, &past).await,
            NextStep::Wait(wait) => {
                self.shared.set_state("waiting", None, None);
                return Ok(wait);
            }
        };
        match ended {
            Ok(ended) => Ok(self.note(memory, ended, now)),
            Err(error) => {
                self.run_broken(memory, &error);
                Ok(Wait::None)
            }
        }
    }

    /// The database and the client, opened if they are not.
    async fn opened(&self, memory: &mut Memory) -> anyhow::Result<(Db, GazelleClient)> {
        if let Some((db, client)) = &memory.open {
            // Who owns the tables, and what hangs on them, may have changed since they were opened.
            owners::check(db).await?;
            return Ok((db.clone(), client.clone()));
        }
        let (db, client) = self.opener.open().await?;
        migrate::prepare(&db).await?;
        memory.open = Some((db.clone(), client.clone()));
        self.shared.set_db(Some(db.clone()));
        tracing::info!("the database is open");
        Ok((db, client))
    }

    /// Looks at what is asked for and at what is due, and says so to the others. The database has answered then.
    async fn look(&self, db: &Db, memory: &mut Memory) -> Result<Look, DbError> {
        let recorded = runs::past(db).await?;
        self.clock.follow(recorded.asked_at);
        let now = self.clock.now();
        let past: Vec<(&'static Entity, Past)> = recorded
            .of
            .iter()
            .map(|(entity, past)| (*entity, memory.past_of(entity).and(*past, now)))
            .collect();
        let requested = wanted_runs::next(db).await?;
        if memory.database.failures() > 0 {
            // What failed with the database is due again as soon as the database is back.
            memory.broken.succeeded();
        }
        memory.database.succeeded();
        let awake: Vec<(&'static Entity, Past)> =
            past.iter().copied().filter(|(entity, _)| !memory.rests(entity)).collect();
        let due = self.timetable.due_of(&awake, now);
        let (incremental, full) = self.next_due(&past, now);
        self.shared.update(|activity| {
            activity.last_good_run_at = recorded.last_good;
            if memory.is_well() {
                activity.problem = None;
            }
            (activity.next_incremental, activity.next_full) = (incremental, full);
        });
        let next_due = incremental.into_iter().chain(full).min();
        let some_rest = awake.len() < past.len();
        Ok(Look { now, past, waiting: Waiting { requested, due, next_due, some_rest } })
    }

    /// The waits after runs that did not do their work.
    fn backoff(&self) -> Backoff {
        let first_wait = self.shared.settings.retry_delay() * 6;
        Backoff::new(first_wait.min(LONGEST_WAIT), LONGEST_WAIT)
    }

    /// When something is due next, incrementally and in full.
    fn next_due(
        &self,
        past: &[(&'static Entity, Past)],
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

    /// What a run's end means for the next step.
    fn note(&self, memory: &mut Memory, ended: Ended, began: Timestamp) -> Wait {
        self.shared.set_state("waiting", None, None);
        match ended {
            Ended::Busy(who) => {
                if !memory.said_busy {
                    tracing::info!("{who}; waiting for it");
                }
                memory.said_busy = true;
                return Wait::For(BUSY_WAIT);
            }
            // Done by another runner, or being done: the next look tells.
            Ended::Nothing => return Wait::For(LOOK),
            Ended::Interrupted => memory.database_held(),
            Ended::Good { mode, of, short, reasons, failed } => {
                memory.database_held();
                memory.runs.succeeded();
                for entity in &of {
                    memory.has_done(entity, began, mode);
                }
                memory.note_failed(&of, failed && short.is_empty());
                for entity in &short {
                    let retry = memory.retries.entry(entity.name).or_insert_with(|| self.backoff());
                    let wait = retry.failed();
                    tracing::warn!(
                        entity = entity.name,
                        failures = retry.failures(),
                        wait_seconds = wait.as_secs(),
                        "the walk stayed incomplete and is tried again: {reasons}"
                    );
                }
                if failed || !short.is_empty() {
                    self.shared.update(|activity| activity.problem = Some(reasons));
                }
            }
            Ended::Bad(reason) => {
                memory.database_held();
                let wait = memory.runs.failed();
                tracing::warn!(
                    failures = memory.runs.failures(),
                    wait_seconds = wait.as_secs(),
                    "the run did not do all of its work and is tried again: {reason}"
                );
                self.shared.update(|activity| activity.problem = Some(reason));
            }
        }
        memory.said_busy = false;
        Wait::None
    }

    /// Says that the database broke off a run, and when it is tried again.
    fn run_broken(&self, memory: &mut Memory, error: &DbError) {
        let read_only = error.state.as_deref() == Some(READ_ONLY);
        let backoff = if read_only { &mut memory.read_only } else { &mut memory.broken };
        let wait = backoff.failed();
        let failures = memory.broken_failures();
        tracing::warn!(
            failures,
            wait_seconds = wait.as_secs(),
            "the database broke off the run; trying again: {error}"
        );
        self.shared.set_state("waiting", None, None);
        self.shared.update(|activity| activity.problem = Some(error.to_string()));
        // One that takes no writes can still be read, and says so each time.
        if failures >= REOPEN_AFTER && !read_only {
            memory.open = None;
            self.shared.set_db(None);
        }
    }

    /// Says what is wrong, gives up the connection if need be, and waits.
    fn database_trouble(&self, memory: &mut Memory, error: &anyhow::Error) -> Wait {
        let wait = memory.database.failed();
        let failures = memory.database.failures();
        let reason = format!("{error:#}");
        tracing::warn!(failures, wait_seconds = wait.as_secs(), "trying again: {reason}");
        // A run that failed with the database is due again as soon as the database is back.
        self.shared.set_state("waiting", None, None);
        self.shared.update(|activity| activity.problem = Some(reason));
        if failures >= REOPEN_AFTER {
            memory.open = None;
            self.shared.set_db(None);
        }
        Wait::For(wait)
    }
}
