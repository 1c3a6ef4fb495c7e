//! `serve`: runs by itself, by schedule and on demand, and goes on whatever happens.
//!
//! [`Service::run`] is a loop of small steps: open the database if it is not, look for runs that somebody asked
//! for, ask the timetable what is due, run it, wait. One run at a time; whatever fails is tried again, later each
//! time. [`tick`] is what is done beside the runs; [`state`] is what the HTTP side (`crate::http`) tells, and notices when the
//! loop hangs.

mod backoff;
pub mod clock;
mod memory;
mod run;
pub mod state;
pub mod tick;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use backoff::Backoff;
use clock::Clock;
use memory::Memory;
use run::Ended;
use state::Shared;

use crate::access::owners;
use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease;
use crate::migrate;
use crate::orchestrator::schedule::{Due, Timetable};
use crate::run_log::runs::{self, Past};
use crate::run_log::wanted_runs;
use crate::source::GazelleClient;
use crate::stop;

/// How often the service looks for requests in the database, and at the clock, which may have been set.
const LOOK: Duration = Duration::from_secs(2);
/// Wait while another runner is at work.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// The longest wait after runs that fail, and after a database that cannot be reached.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
const LONGEST_DATABASE_WAIT: Duration = Duration::from_secs(30);
/// How long a database that is silent may take to answer a new connection once the end is wished.
const LAST_PATIENCE: Duration = Duration::from_secs(3);
/// SQLSTATE of a database that takes no writes.
const READ_ONLY: &str = "25006";
/// Failures of the database after which it is opened anew.
const REOPEN_AFTER: u32 = 2;

/// Opens what the service works on.
pub trait Opener: Send + Sync + 'static {
    /// Opens the database and makes the client, giving up what was open before.
    fn open(&self) -> impl Future<Output = anyhow::Result<(Db, GazelleClient)>> + Send;
}

/// The service.
pub struct Service<O> {
    /// Opens the database.
    pub opener: O,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// When to run.
    pub timetable: Timetable,
    /// What the others see of it.
    pub shared: Arc<Shared>,
    /// When to end.
    pub stop: CancellationToken,
}

/// How long to wait after a step.
enum Wait {
    /// Not at all.
    None,
    /// Until an instant by the service's clock.
    Until(Timestamp),
    /// So long.
    For(Duration),
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

    /// Waits until the service is asked to stop and what is under way gets no answer: what a silent database holds up is
    /// not waited for. Between runs there is nothing to lose.
    async fn given_up(&self) {
        self.stop.cancelled().await;
        let asked = tokio::time::Instant::now();
        loop {
            let running = self.shared.activity().state == "running";
            let silence = self.shared.without_progress();
            let is_hopeless = match running {
                false => silence >= Duration::from_secs(1),
                // A run ends by itself within its grace, and then writes how it ended and gives back the lease: as long as
                // the database answers at all, it is waited for.
                true if asked.elapsed() >= stop::GRACE + Duration::from_secs(3) => {
                    silence >= Duration::from_secs(3)
                }
                true => silence >= Duration::from_secs(1) && !self.database_answers().await,
            };
            if is_hopeless {
                tracing::warn!("what was under way gets no answer and is given up");
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Gives back the lease of a run that was given up, where the database answers new connections: only those of the run
    /// have fallen silent.
    async fn give_lease_back(&self) {
        let running = self.shared.activity().state == "running";
        let (true, Some(db), Some(token)) = (running, self.shared.db(), self.shared.lease()) else { return };
        if db.answers_within(Duration::from_secs(1)).await {
            let aside = db.aside();
            if let Ok(Err(error)) = tokio::time::timeout(LAST_PATIENCE, lease::give_back(&aside, token)).await
            {
                tracing::warn!(%error, "the lease could not be given back and will expire");
            }
        }
    }

    /// Whether the database answers a new connection. One that does is left alone for a while.
    async fn database_answers(&self) -> bool {
        let Some(db) = self.shared.db() else { return false };
        let answers = db.answers_within(LAST_PATIENCE).await;
        if answers {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        answers
    }

    /// The waits after runs that did not do their work.
    fn backoff(&self) -> Backoff {
        let first_wait = self.shared.settings.retry_delay() * 6;
        Backoff::new(first_wait.min(LONGEST_WAIT), LONGEST_WAIT)
    }

    /// When something is due next, incrementally and in full.
    fn next(
        &self,
        past: &[(&'static Entity, Past)],
        now: Timestamp,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let mut next = (None, None);
        let sooner = |one: Option<Timestamp>, other: Timestamp| Some(one.map_or(other, |one| one.min(other)));
        for (_, past) in past {
            match self.timetable.due(*past, now) {
                Due::Now { full: true } => next = (sooner(next.0, now), sooner(next.1, now)),
                Due::Now { full: false } => next.0 = sooner(next.0, now),
                Due::Later { incremental, full } => {
                    next = (sooner(next.0, incremental), sooner(next.1, full));
                }
            }
        }
        next
    }

    /// One look at what is to be done, and doing it.
    async fn step(&self, memory: &mut Memory) -> anyhow::Result<Wait> {
        let (db, client) = match &memory.open {
            Some((db, client)) => {
                // Who owns the tables, and what hangs on them, may have changed since they were opened.
                owners::check(db).await?;
                (db.clone(), client.clone())
            }
            None => {
                let (db, client) = self.opener.open().await?;
                migrate::prepare(&db).await?;
                memory.open = Some((db.clone(), client.clone()));
                self.shared.set_db(Some(db.clone()));
                tracing::info!("the database is open");
                (db, client)
            }
        };
        let recorded = runs::past(&db).await?;
        self.clock.follow(recorded.asked_at);
        let now = self.clock.now();
        let past: Vec<(&'static Entity, Past)> = recorded
            .of
            .iter()
            .map(|(entity, past)| (*entity, memory.past_of(entity).and(*past, now)))
            .collect();
        let wanted = wanted_runs::next(&db).await?;
        if memory.database.failures() > 0 {
            // What failed with the database is due again as soon as the database is back.
            memory.broken.succeeded();
        }
        memory.database.succeeded();
        let awake: Vec<(&'static Entity, Past)> =
            past.iter().copied().filter(|(entity, _)| !memory.rests(entity)).collect();
        let due = self.timetable.due_of(&awake, now);
        let next = self.next(&past, now);
        self.shared.update(|activity| {
            activity.last_good_run_at = recorded.last_good;
            if memory.is_well() {
                activity.problem = None;
            }
            (activity.next_incremental, activity.next_full) = next;
        });

        let broken = memory.broken.left().max(memory.read_only.left());
        if !broken.is_zero() {
            self.shared.set_state("waiting", None, None);
            return Ok(Wait::For(broken.min(LOOK)));
        }
        let is_due = due.is_some() && memory.runs.left().is_zero();
        let wanted = wanted.filter(|_| !(is_due && memory.last_was_wanted));
        memory.last_was_wanted = wanted.is_some();
        let ended = match (wanted, due) {
            (Some(wanted), _) => self.run_wanted(&db, client, wanted).await,
            (None, Some(due)) if is_due => self.run_scheduled(&db, client, due, &past).await,
            (None, Some(_)) => {
                self.shared.set_state("waiting", None, None);
                return Ok(Wait::For(memory.runs.left().min(LOOK)));
            }
            (None, None) => {
                self.shared.set_state("waiting", None, None);
                return Ok(match awake.len() == past.len() {
                    true => Wait::Until(next.0.into_iter().chain(next.1).min().unwrap_or(Timestamp::MAX)),
                    false => Wait::For(LOOK),
                });
            }
        };
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                self.run_broken(memory, &error);
                return Ok(Wait::None);
            }
        };
        Ok(self.note(memory, ended, now))
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
            Ended::Good { full, of, short, reasons, failed } => {
                memory.database_held();
                memory.runs.succeeded();
                for entity in &of {
                    memory.has_done(entity, began, full);
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
