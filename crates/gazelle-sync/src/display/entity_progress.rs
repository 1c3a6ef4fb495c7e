//! The progress of one entity through the stages, counted by many tasks at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::amounts::{count, duration, rate};

/// Counts the pages and records of one entity. Cheap to clone and to call: each call is one or two atomic additions
/// and draws nothing.
#[derive(Debug, Clone)]
pub struct EntityProgress(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    started: Instant,
    pages: AtomicU64,
    pages_expected: AtomicU64,
    records: AtomicU64,
    records_expected: AtomicU64,
    staged: AtomicU64,
    reconciled: AtomicU64,
    errors: AtomicU64,
    /// When the last page arrived, in milliseconds after `started`: the rate must not fall while later stages work.
    last_page: AtomicU64,
    fetched: AtomicBool,
    done: AtomicBool,
}

impl EntityProgress {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self(Arc::new(Counters {
            started: Instant::now(),
            pages: zero(),
            pages_expected: zero(),
            records: zero(),
            records_expected: zero(),
            staged: zero(),
            reconciled: zero(),
            errors: zero(),
            last_page: zero(),
            fetched: AtomicBool::new(false),
            done: AtomicBool::new(false),
        }))
    }

    /// Sets the number of records that the source reports.
    pub fn expected(&self, records: u64) -> &Self {
        self.0.records_expected.store(records, Relaxed);
        self
    }

    /// Sets the expected number of pages.
    pub fn expected_pages(&self, pages: u64) -> &Self {
        self.0.pages_expected.store(pages, Relaxed);
        self
    }

    /// Counts a page with this many records.
    pub fn page(&self, records: u64) -> &Self {
        self.0.pages.fetch_add(1, Relaxed);
        self.0.records.fetch_add(records, Relaxed);
        self.0.last_page.store(millis(self.0.started.elapsed()), Relaxed);
        self
    }

    /// Resets the counts, because the walk starts again from its first page.
    pub fn restarted(&self) -> &Self {
        self.0.pages.store(0, Relaxed);
        self.0.records.store(0, Relaxed);
        self
    }

    /// Records that the last page was reached.
    pub fn fetched(&self) -> &Self {
        self.0.fetched.store(true, Relaxed);
        self
    }

    /// Counts staged versions.
    pub fn staged(&self, versions: u64) -> &Self {
        self.0.staged.fetch_add(versions, Relaxed);
        self
    }

    /// Counts reconciled records.
    pub fn reconciled(&self, records: u64) -> &Self {
        self.0.reconciled.fetch_add(records, Relaxed);
        self
    }

    /// Counts quarantined records.
    pub fn errors(&self, records: u64) -> &Self {
        self.0.errors.fetch_add(records, Relaxed);
        self
    }

    /// Records that the entity is finished.
    pub fn done(&self) {
        self.0.done.store(true, Relaxed);
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.done.load(Relaxed)
    }

    /// The completed fraction, from 0 to 1; `None` while the total is unknown.
    pub(super) fn fraction(&self) -> Option<f64> {
        let (records, expected) = (self.load(|c| &c.records), self.load(|c| &c.records_expected));
        match expected {
            _ if self.is_done() => Some(1.0),
            0 => None,
            _ => Some((records as f64 / expected as f64).min(1.0)),
        }
    }

    /// `12/115 pages  1,200/11,460 records  4,120/s  1,200 staged  …`. The most important part comes first, because
    /// a narrow terminal cuts the end.
    pub(super) fn describe(&self) -> String {
        let records = self.load(|c| &c.records);
        let time = Duration::from_millis(self.load(|c| &c.last_page));
        let mut parts = Vec::with_capacity(7);
        if self.load(|c| &c.pages) > 0 {
            parts.push(of(self.load(|c| &c.pages), self.load(|c| &c.pages_expected), "pages"));
            parts.push(of(records, self.load(|c| &c.records_expected), "records"));
            if !time.is_zero() {
                parts.push(rate(records, time));
            }
        }
        parts.extend(self.time_left());
        for (number, what) in [
            (self.load(|c| &c.staged), "staged"),
            (self.load(|c| &c.reconciled), "reconciled"),
            (self.load(|c| &c.errors), "in quarantine"),
        ] {
            if number > 0 {
                parts.push(format!("{} {what}", count(number)));
            }
        }
        if self.is_done() {
            parts.push("done".to_owned());
        } else if parts.is_empty() {
            parts.push("waiting".to_owned());
        }
        parts.join("  ")
    }

    /// The estimated time left, while records are being fetched and there is a rate to estimate from.
    fn time_left(&self) -> Option<String> {
        let (records, expected) = (self.load(|c| &c.records), self.load(|c| &c.records_expected));
        let over = self.is_done() || self.0.fetched.load(Relaxed);
        if over || records == 0 || self.load(|c| &c.last_page) == 0 || records >= expected {
            return None;
        }
        let spent = self.load(|c| &c.last_page) as f64 / 1_000.0;
        let left = spent * (expected - records) as f64 / records as f64;
        // Tenths of a second would flicker.
        let left = Duration::try_from_secs_f64(left.ceil()).ok()?;
        let text = duration(left);
        Some(format!("{} left", text.strip_suffix(".0 s").map_or(text.clone(), |s| format!("{s} s"))))
    }

    fn load(&self, which: impl Fn(&Counters) -> &AtomicU64) -> u64 {
        which(&self.0).load(Relaxed)
    }
}

fn of(number: u64, expected: u64, what: &str) -> String {
    match expected {
        0 => format!("{} {what}", count(number)),
        _ => format!("{}/{} {what}", count(number), count(expected)),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
