//! What the service knows of itself, for its HTTP side and its duties.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::alerts::Direct;
use crate::config::Settings;
use crate::db::Db;
use crate::metrics::Metrics;

/// What the parts of the service share.
pub struct Shared {
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// What is counted.
    pub metrics: Metrics,
    /// When the process began to serve.
    pub started_at: Timestamp,
    /// Told when somebody asked for a run, so that it begins at once.
    pub wake: Notify,
    /// Counts the runs that ended.
    pub runs_ended: watch::Sender<u64>,
    /// What was told past the database.
    pub(super) direct_alert: tokio::sync::Mutex<Direct>,
    db: Mutex<Option<Db>>,
    activity: Mutex<Activity>,
    last_scraped_at: Mutex<Option<Timestamp>>,
    step: Mutex<Step>,
    unwritten: Mutex<Option<Unwritten>>,
    /// The token of the lease that the last run took.
    lease: Mutex<Option<i64>>,
}

/// Where the loop is: resting, or in a step that last did something at this instant.
#[derive(Debug, Clone, Copy)]
enum Step {
    Resting,
    Busy(Instant),
}

/// Since when and why alerts cannot be written to the database.
#[derive(Debug, Clone)]
pub struct Unwritten {
    /// Since when, by the clock of the machine, UTC.
    pub since: Timestamp,
    /// For how long.
    pub lasting: Duration,
    /// Why, in one line.
    pub reason: String,
    begun: Instant,
}

/// What the service is doing.
#[derive(Debug, Clone, Serialize)]
pub struct Activity {
    /// `starting`, `waiting`, `running` or `stopping`.
    pub state: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// The mode of the run under way.
    pub mode: Option<&'static str>,
    /// Who began it.
    pub trigger: Option<&'static str>,
    /// What keeps the service from its work, for people.
    pub problem: Option<String>,
    /// When the last good run ended.
    pub last_good_run_at: Option<Timestamp>,
    /// When an incremental run is due.
    pub next_incremental: Option<Timestamp>,
    /// When a full run is due.
    pub next_full: Option<Timestamp>,
}

impl Shared {
    /// A service that is starting.
    pub fn new(settings: Arc<Settings>) -> Shared {
        let now = Timestamp::now();
        Shared {
            settings,
            metrics: Metrics::new(),
            started_at: now,
            wake: Notify::new(),
            runs_ended: watch::Sender::new(0),
            direct_alert: tokio::sync::Mutex::default(),
            db: Mutex::new(None),
            activity: Mutex::new(Activity {
                state: "starting",
                since: now,
                mode: None,
                trigger: None,
                problem: None,
                last_good_run_at: None,
                next_incremental: None,
                next_full: None,
            }),
            last_scraped_at: Mutex::new(None),
            step: Mutex::new(Step::Resting),
            unwritten: Mutex::new(None),
            lease: Mutex::new(None),
        }
    }

    /// Notes that the loop did something: a step begins, a request has ended.
    pub fn mark_progress(&self) {
        *lock(&self.step) = Step::Busy(Instant::now());
    }

    /// Notes that the loop waits for its next step, which is as it should be.
    pub(super) fn rest(&self) {
        *lock(&self.step) = Step::Resting;
    }

    /// For how long the loop has been at one thing, without an answer of the database or the API.
    pub fn without_progress(&self) -> Duration {
        let Step::Busy(since) = *lock(&self.step) else { return Duration::ZERO };
        let database = self.db().map_or(Duration::MAX, |db| db.since_progress());
        since.elapsed().min(database)
    }

    /// What the service hangs at, once it has hung for longer than the setting `watchdog_seconds` allows.
    pub fn stuck(&self) -> Option<String> {
        let hanging = self.without_progress();
        (hanging.as_secs_f64() > self.settings.watchdog_seconds).then(|| {
            let state = self.activity().state;
            format!("no progress for {} s (state: {state}): the loop of the service hangs", hanging.as_secs())
        })
    }

    /// Notes whether alerts can be written to the database, and why not.
    pub(super) fn alerts_written(&self, outcome: Result<(), String>) {
        let mut unwritten = lock(&self.unwritten);
        match (outcome, &mut *unwritten) {
            (Ok(()), unwritten) => *unwritten = None,
            (Err(reason), Some(unwritten)) => unwritten.reason = reason,
            (Err(reason), unwritten) => {
                let (since, begun) = (Timestamp::now(), Instant::now());
                *unwritten = Some(Unwritten { since, begun, lasting: Duration::ZERO, reason });
            }
        }
    }

    /// Since when alerts cannot be written to the database, if so.
    pub fn unwritten(&self) -> Option<Unwritten> {
        lock(&self.unwritten)
            .clone()
            .map(|unwritten| Unwritten { lasting: unwritten.begun.elapsed(), ..unwritten })
    }

    /// Notes the token of the lease that a run took.
    pub(super) fn set_lease(&self, token: i64) {
        *lock(&self.lease) = Some(token);
    }

    /// The token of the lease that the last run took.
    pub(super) fn lease(&self) -> Option<i64> {
        *lock(&self.lease)
    }

    /// The database, while it is open.
    pub fn db(&self) -> Option<Db> {
        lock(&self.db).clone()
    }

    /// Notes that the database was opened or given up.
    pub fn set_db(&self, db: Option<Db>) {
        *lock(&self.db) = db;
    }

    /// What the service is doing.
    pub fn activity(&self) -> Activity {
        lock(&self.activity).clone()
    }

    /// Changes what the service is doing.
    pub fn update(&self, change: impl FnOnce(&mut Activity)) {
        change(&mut lock(&self.activity));
    }

    /// Notes a new state.
    pub fn set_state(&self, state: &'static str, mode: Option<&'static str>, trigger: Option<&'static str>) {
        self.update(|activity| {
            if activity.state != state {
                activity.since = Timestamp::now();
            }
            (activity.state, activity.mode, activity.trigger) = (state, mode, trigger);
        });
    }

    /// When somebody last read the metrics.
    pub fn last_scraped_at(&self) -> Option<Timestamp> {
        *lock(&self.last_scraped_at)
    }

    /// Notes that somebody reads the metrics.
    pub fn scraped(&self, now: Timestamp) {
        *lock(&self.last_scraped_at) = Some(now);
    }
}

/// What was noted stays readable after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
