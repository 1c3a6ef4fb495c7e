//! The state of the service, for its HTTP server and its duties.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::alerts::{self, DirectAlerts, RefusedSignIns};
use crate::config::Settings;
use crate::db::{Db, Outage};
use crate::metrics::Metrics;
use crate::run_log::kinds::{RunMode, RunTrigger};
use crate::source::{ErrorClass, SourceError};
use crate::states::words;

/// The state that the parts of the service share.
pub struct Shared {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The counters of this process.
    pub metrics: Metrics,
    /// When the process began to serve, UTC, by the machine's clock.
    pub started_at: Timestamp,
    /// Notified when a run is requested, so that it starts at once.
    pub wake: Notify,
    /// Number of runs that have ended.
    pub runs_ended: watch::Sender<u64>,
    /// The alert that was sent without the database.
    pub(super) direct_alert: tokio::sync::Mutex<DirectAlerts>,
    db: Mutex<Option<Db>>,
    /// Why the database could not be opened or read by the loop, since it last could.
    outage: Mutex<Option<Outage>>,
    activity: Mutex<Activity>,
    last_scraped_at: Mutex<Option<Timestamp>>,
    step: Mutex<LoopPhase>,
    /// By what met them: one step may succeed while the other fails.
    alert_write_failures: Mutex<BTreeMap<AlertStep, AlertWriteFailure>>,
    /// The messages of alerts that were sent and could not be marked as sent.
    pub(super) unrecorded: alerts::Unrecorded,
    /// Who was refused by the dashboard of late.
    pub refused_sign_ins: RefusedSignIns,
    /// The token of the lease that the last run took.
    lease: Mutex<Option<i64>>,
}

/// What the loop is doing: waiting, or working in a step that last made progress at this time.
#[derive(Debug, Clone, Copy)]
enum LoopPhase {
    Resting,
    Busy(Instant),
}

/// A step with alerts that writes to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AlertStep {
    /// The conditions are evaluated, and messages written.
    Evaluate,
    /// Messages are claimed, and marked as sent.
    Send,
}

/// When and why alerts could no longer be written to the database.
#[derive(Debug, Clone)]
pub struct AlertWriteFailure {
    /// Since when, UTC, by the machine's clock.
    pub since: Timestamp,
    /// For how long by now.
    pub lasting: Duration,
    /// Why, in one line.
    pub reason: String,
    begun: Instant,
}

words! {
    /// The states of the service.
    ServiceState {
        /// It has not read the database yet.
        Starting = "starting",
        /// No run is in progress.
        Waiting = "waiting",
        /// A run is in progress.
        Running = "running",
        /// It was asked to stop.
        Stopping = "stopping",
    }
}

/// What is known of our credentials for Gazelle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialCheck {
    /// They were not tried since the service started.
    Pending,
    /// Gazelle accepted them when they were last used.
    Accepted,
    /// They were tried, and no answer said whether they are accepted.
    Inconclusive,
    /// Gazelle refused them when they were last used, with this error.
    Refused(String),
}

impl CredentialCheck {
    /// What is known after another attempt. One that failed for another reason says nothing of the credentials.
    pub(super) fn after(&self, attempt: Result<(), &SourceError>) -> CredentialCheck {
        match (attempt, self) {
            (Ok(()), _) => CredentialCheck::Accepted,
            (Err(error), _) if *error.class() == ErrorClass::Unauthorized => {
                CredentialCheck::Refused(error.to_string())
            }
            (Err(_), CredentialCheck::Pending) => CredentialCheck::Inconclusive,
            (Err(_), known) => known.clone(),
        }
    }

    /// Why runs cannot be expected to succeed; none if nothing is known against it.
    pub fn problem(&self) -> Option<&str> {
        match self {
            CredentialCheck::Pending => Some("not tried yet"),
            CredentialCheck::Refused(error) => Some(error),
            CredentialCheck::Accepted | CredentialCheck::Inconclusive => None,
        }
    }
}

/// What the service is doing, as `/healthz` reports it.
#[derive(Debug, Clone, Serialize)]
pub struct Activity {
    /// What it does.
    pub state: ServiceState,
    /// Since when, UTC, by the machine's clock.
    pub since: Timestamp,
    /// The mode of the current run; `None` without one.
    pub mode: Option<RunMode>,
    /// What started the current run; `None` without one.
    pub trigger: Option<RunTrigger>,
    /// The current problem, for people.
    pub problem: Option<String>,
    /// Whether Gazelle accepts our credentials; reported by `/readyz`.
    #[serde(skip)]
    pub credentials: CredentialCheck,
    /// When the last good run ended, UTC.
    pub last_good_run_at: Option<Timestamp>,
    /// When an incremental run is due, UTC.
    pub next_incremental: Option<Timestamp>,
    /// When a full run is due, UTC.
    pub next_full: Option<Timestamp>,
}

impl Shared {
    /// The state of a service that is starting.
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
            outage: Mutex::new(None),
            activity: Mutex::new(Activity {
                state: ServiceState::Starting,
                since: now,
                mode: None,
                trigger: None,
                problem: None,
                credentials: CredentialCheck::Pending,
                last_good_run_at: None,
                next_incremental: None,
                next_full: None,
            }),
            last_scraped_at: Mutex::new(None),
            step: Mutex::new(LoopPhase::Resting),
            alert_write_failures: Mutex::default(),
            unrecorded: alerts::Unrecorded::default(),
            refused_sign_ins: RefusedSignIns::default(),
            lease: Mutex::new(None),
        }
    }

    /// Records progress of the loop: a step began, or an API request ended.
    pub fn mark_progress(&self) {
        *lock(&self.step) = LoopPhase::Busy(Instant::now());
    }

    /// Records that the loop waits for its next step, which is not a hang.
    pub(super) fn mark_waiting(&self) {
        *lock(&self.step) = LoopPhase::Resting;
    }

    /// How long neither the loop nor its database connections made progress; zero while the loop waits.
    pub fn without_progress(&self) -> Duration {
        let LoopPhase::Busy(since) = *lock(&self.step) else { return Duration::ZERO };
        let database = self.db().map_or(Duration::MAX, |db| db.since_progress());
        since.elapsed().min(database)
    }

    /// Why the loop counts as hanging; `None` unless it made no progress for longer than `watchdog_seconds`.
    pub fn stuck(&self) -> Option<String> {
        let hanging = self.without_progress();
        (hanging.as_secs_f64() > self.settings.watchdog_seconds).then(|| {
            let state = self.activity().state;
            format!("no progress for {} s (state: {state}): the loop of the service hangs", hanging.as_secs())
        })
    }

    /// Records whether a step with alerts could write to the database, and if not, why.
    pub(super) fn note_alert_write(&self, step: AlertStep, outcome: Result<(), String>) {
        let mut failures = lock(&self.alert_write_failures);
        match outcome {
            Ok(()) => drop(failures.remove(&step)),
            Err(reason) => {
                let (since, begun) = (Timestamp::now(), Instant::now());
                let new =
                    || AlertWriteFailure { since, begun, lasting: Duration::ZERO, reason: String::new() };
                failures.entry(step).or_insert_with(new).reason = reason;
            }
        }
    }

    /// Since when and why alerts cannot be written, of the step that has failed longest; `None` if they can.
    pub fn alert_write_failure(&self) -> Option<AlertWriteFailure> {
        let longest = lock(&self.alert_write_failures).values().min_by_key(|failure| failure.begun).cloned();
        longest.map(|failure| AlertWriteFailure { lasting: failure.begun.elapsed(), ..failure })
    }

    /// Stores the token of the lease that a run took.
    pub(super) fn set_lease(&self, token: i64) {
        *lock(&self.lease) = Some(token);
    }

    /// The token of the lease that the last run took.
    pub(super) fn lease(&self) -> Option<i64> {
        *lock(&self.lease)
    }

    /// The database; `None` while it is not open.
    pub fn db(&self) -> Option<Db> {
        lock(&self.db).clone()
    }

    /// Why the loop could not open or read the database, since it last could; `None` where that is not known.
    pub fn outage(&self) -> Option<Outage> {
        *lock(&self.outage)
    }

    /// Records why the loop cannot open or read the database.
    pub(super) fn set_outage(&self, outage: Option<Outage>) {
        *lock(&self.outage) = outage;
    }

    /// Stores the opened database, or `None` when it is closed.
    pub fn set_db(&self, db: Option<Db>) {
        *lock(&self.db) = db;
    }

    /// What the service is doing.
    pub fn activity(&self) -> Activity {
        lock(&self.activity).clone()
    }

    /// Changes the reported activity.
    pub fn update(&self, change: impl FnOnce(&mut Activity)) {
        change(&mut lock(&self.activity));
    }

    /// Sets the state of a service without a run.
    pub(super) fn set_state(&self, state: ServiceState) {
        self.set_activity(state, None, None);
    }

    /// Sets the state to running, with mode and trigger of the run.
    pub(super) fn set_running(&self, mode: RunMode, trigger: RunTrigger) {
        self.set_activity(ServiceState::Running, Some(mode), Some(trigger));
    }

    /// Sets the state to running, for an action that is no sync.
    pub(super) fn set_at_work(&self) {
        self.set_activity(ServiceState::Running, None, Some(RunTrigger::Request));
    }

    fn set_activity(&self, state: ServiceState, mode: Option<RunMode>, trigger: Option<RunTrigger>) {
        self.update(|activity| {
            if activity.state != state {
                activity.since = Timestamp::now();
            }
            (activity.state, activity.mode, activity.trigger) = (state, mode, trigger);
        });
    }

    /// When `/metrics` was last read, UTC.
    pub fn last_scraped_at(&self) -> Option<Timestamp> {
        *lock(&self.last_scraped_at)
    }

    /// Records that `/metrics` was read.
    pub fn scraped(&self, now: Timestamp) {
        *lock(&self.last_scraped_at) = Some(now);
    }
}

/// A panic of another thread while it held the lock does not make the data unusable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
