//! The metrics of the service, in Prometheus' text format.
//!
//! Counters and histograms count within this process and start at zero with it, as Prometheus expects. Gauges are
//! read from the database when `/metrics` is requested ([`database_gauges`]), with SELECTs only. Labels name
//! entities, error classes, modes and outcomes, never a record.

pub mod database_gauges;
mod labels;
mod process;

use std::sync::Arc;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use labels::{OneLabel, TwoLabels};

use crate::entities::ENTITIES;
use crate::run_log::kinds::{RunMode, RunOutcome};
use crate::run_log::report::RunReport;
use crate::source::{OutcomeCode, RequestRecord};
use crate::states::words;

/// The `Content-Type` of what [`Metrics::render`] returns.
pub use prometheus_text::CONTENT_TYPE;

words! {
    /// Why the HTTP server refuses a connection or a request.
    HttpRefusal {
        /// The slots of its address are in use.
        AddressFull = "address_full",
        /// The slots for other machines are in use.
        ElsewhereFull = "elsewhere_full",
        /// It was evicted for another connection.
        GaveWay = "gave_way",
        /// The head of its request did not arrive in time.
        LateHead = "late_head",
        /// It speaks HTTP/2.
        Http2 = "http2",
        /// The token is missing.
        NoToken = "no_token",
        /// The token is wrong.
        WrongToken = "wrong_token",
        /// Its address sent too many wrong tokens.
        Paused = "paused",
    }
}

/// Buckets of a stage's duration for one entity, in seconds: from a poll that finds nothing to the first sync of a
/// large shop.
const STAGE_SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// Buckets of a request's duration, in seconds, including the waits between attempts.
const REQUEST_SECONDS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The counters of this process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    fetch_duration: Family<OneLabel, Histogram, fn() -> Histogram>,
    records_fetched: Family<OneLabel, Counter>,
    reconcile_duration: Family<OneLabel, Histogram, fn() -> Histogram>,
    records_processed: Family<OneLabel, Counter>,
    record_errors: Family<OneLabel, Counter>,
    unreadable_fields: Family<OneLabel, Counter>,
    request_duration: Histogram,
    requests: Family<OneLabel, Counter>,
    retries: Family<OneLabel, Counter>,
    runs: Family<TwoLabels, Counter>,
    running: Gauge,
    http_refused: Family<OneLabel, Counter>,
}

impl Metrics {
    /// All counters at zero; every series that is known in advance exists.
    #[allow(clippy::new_without_default, reason = "one a process, made where the service starts")]
    pub fn new() -> Metrics {
        let stage: fn() -> Histogram = || Histogram::new(STAGE_SECONDS);
        let mut metrics = Metrics {
            registry: Arc::default(),
            fetch_duration: Family::new_with_constructor(stage),
            records_fetched: Family::default(),
            reconcile_duration: Family::new_with_constructor(stage),
            records_processed: Family::default(),
            record_errors: Family::default(),
            unreadable_fields: Family::default(),
            request_duration: Histogram::new(REQUEST_SECONDS),
            requests: Family::default(),
            retries: Family::default(),
            runs: Family::default(),
            running: Gauge::default(),
            http_refused: Family::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics.begin_at_zero();
        metrics
    }

    fn register(&self) -> Registry {
        let mut registry = Registry::default();
        let seconds = || Unit::Seconds;
        registry.register_with_unit(
            "stage1_fetch_duration",
            "Time that stage 1 of an entity took in a run",
            seconds(),
            self.fetch_duration.clone(),
        );
        registry.register(
            "stage1_records_fetched",
            "Records received from the API",
            self.records_fetched.clone(),
        );
        registry.register_with_unit(
            "stage2_reconcile_duration",
            "Time that stage 2 of an entity took in a run",
            seconds(),
            self.reconcile_duration.clone(),
        );
        registry.register(
            "stage2_records_processed",
            "Versions reconciled into production",
            self.records_processed.clone(),
        );
        registry.register("stage2_errors", "Versions put into quarantine", self.record_errors.clone());
        registry.register(
            "stage2_unreadable_fields",
            "Fields that could not be read; their records are in production without them",
            self.unreadable_fields.clone(),
        );
        registry.register_with_unit(
            "gazelle_sync_request_duration",
            "Time that a request to the API took, with its attempts and the waits between them",
            seconds(),
            self.request_duration.clone(),
        );
        registry.register(
            "gazelle_sync_requests",
            "Requests to the API, by their outcome after all attempts",
            self.requests.clone(),
        );
        registry.register(
            "gazelle_sync_request_retries",
            "Attempts that failed and were followed by another, by the class of the failure",
            self.retries.clone(),
        );
        registry.register("gazelle_sync_runs", "Runs of the service, by mode and outcome", self.runs.clone());
        registry.register(
            "gazelle_sync_running",
            "1 while a run of the service is in progress",
            self.running.clone(),
        );
        registry.register(
            "gazelle_sync_http_refused",
            "Connections and requests that the HTTP side turned away, by reason",
            self.http_refused.clone(),
        );
        registry
    }

    /// Without a zero first, `rate` would miss the first increment of a series.
    fn begin_at_zero(&self) {
        for entity in ENTITIES.iter().copied() {
            let of = [("entity", entity.name)];
            drop(self.fetch_duration.get_or_create(&of));
            drop(self.reconcile_duration.get_or_create(&of));
            for counter in
                [&self.records_fetched, &self.records_processed, &self.record_errors, &self.unreadable_fields]
            {
                drop(counter.get_or_create(&of));
            }
        }
        for outcome in OutcomeCode::ALL {
            drop(self.requests.get_or_create(&[("outcome", outcome.as_str())]));
            if !matches!(outcome, OutcomeCode::Answered | OutcomeCode::Abandoned) {
                drop(self.retries.get_or_create(&[("class", outcome.as_str())]));
            }
        }
        for reason in HttpRefusal::ALL {
            drop(self.http_refused.get_or_create(&[("reason", reason.as_str())]));
        }
        for mode in RunMode::ALL {
            for status in RunOutcome::ALL {
                drop(self.runs.get_or_create(&[("mode", mode.as_str()), ("status", status.as_str())]));
            }
        }
    }

    /// Counts an API request with its attempts.
    pub fn request_ended(&self, record: &RequestRecord) {
        self.requests.get_or_create(&[("outcome", record.outcome.code().as_str())]).inc();
        self.request_duration.observe(record.elapsed.as_secs_f64());
        let before_the_last = record.attempts.len().saturating_sub(1);
        for class in record.attempts.iter().take(before_the_last).filter_map(|it| it.failure.as_ref()) {
            self.retries.get_or_create(&[("class", class.code().as_str())]).inc();
        }
    }

    /// Sets the gauge of running runs until the guard is dropped.
    pub fn run_begins(&self) -> RunningGuard {
        self.running.set(1);
        RunningGuard(self.running.clone())
    }

    /// Counts a run that ended, whatever its outcome.
    pub fn run_ended(&self, mode: RunMode, report: &RunReport) {
        self.runs.get_or_create(&[("mode", mode.as_str()), ("status", report.status.as_str())]).inc();
        for part in &report.entities {
            let Some(entity) = ENTITIES.iter().find(|entity| entity.name == part.entity) else { continue };
            let of = [("entity", entity.name)];
            self.records_fetched.get_or_create(&of).inc_by(part.fetched);
            self.records_processed.get_or_create(&of).inc_by(part.processed);
            self.record_errors.get_or_create(&of).inc_by(part.errors);
            self.unreadable_fields.get_or_create(&of).inc_by(part.unreadable_fields);
            if let Some(took) = part.fetch_ms {
                self.fetch_duration.get_or_create(&of).observe(took as f64 / 1e3);
            }
            if let Some(took) = part.reconcile_ms {
                self.reconcile_duration.get_or_create(&of).observe(took as f64 / 1e3);
            }
        }
    }

    /// Counts a run that failed on a database error. Its records are not counted.
    pub fn run_failed(&self, mode: RunMode) {
        self.runs.get_or_create(&[("mode", mode.as_str()), ("status", RunOutcome::Failed.as_str())]).inc();
    }

    /// Counts a connection or a request that the HTTP server refused.
    pub fn http_refused(&self, reason: HttpRefusal) {
        self.http_refused.get_or_create(&[("reason", reason.as_str())]).inc();
    }

    /// All metrics as text. `None` for values that could not be read from the database.
    ///
    /// # Errors
    /// Only formatting errors.
    pub fn render(
        &self,
        database_gauges: Option<&database_gauges::DatabaseGauges>,
    ) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        prometheus_text::encode(&mut text, &database_gauges::registry(database_gauges))?;
        prometheus_text::encode(&mut text, &process::registry())?;
        Ok(text)
    }
}

/// Resets the gauge of running runs when dropped.
pub struct RunningGuard(Gauge);

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.0.set(0);
    }
}
