//! What the service knows of itself, for its HTTP side and its duties.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, watch};

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
    db: Mutex<Option<Db>>,
    activity: Mutex<Activity>,
    last_scraped_at: Mutex<Option<Timestamp>>,
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
        }
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
