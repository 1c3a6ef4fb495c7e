//! Decides when the service starts a run by itself: pure functions from the last runs and the clock to what is due.
//!
//! Missed runs are caught up with a single run. A full run counts as an incremental one too. After the clock is set
//! back, no run is repeated; after it is set forward, a run that was jumped over is due once.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::run_log::runs::LastStarts;
use crate::states::RunMode;

/// A recorded start further than this in the future was dated by a wrong clock, and is ignored. If the clock is set
/// back by less, the schedule waits until it has caught up.
const SET_BACK: SignedDuration = SignedDuration::from_mins(30);

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Parses an expression: minute, hour, day, month, weekday, and optionally seconds before them.
    ///
    /// # Errors
    /// The expression cannot be parsed, or never matches (31 February).
    pub fn new(expression: &str, zone: &TimeZone) -> Result<Schedule, String> {
        let wrong = |why: String| format!("the schedule `{expression}` {why}");
        let cron: Cron = expression.parse().map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let schedule = Schedule { cron, zone: zone.clone() };
        match schedule.next_after(Timestamp::now()) {
            Some(_) => Ok(schedule),
            None => Err(wrong("never comes".to_owned())),
        }
    }

    /// The first match after an instant; none if there is no more. A local time that a daylight saving change skips
    /// or repeats matches once.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let local = instant.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.timestamp())
    }
}

/// The two schedules of the service.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// When incremental runs are due.
    pub incremental: Schedule,
    /// When full runs are due.
    pub full: Schedule,
}

impl LastStarts {
    /// The later of two records of past runs, without those dated by a wrong clock.
    pub fn and(self, other: LastStarts, now: Timestamp) -> LastStarts {
        let believed = |at: &Timestamp| at.duration_since(now) <= SET_BACK;
        let later = |one: Option<Timestamp>, two: Option<Timestamp>| {
            one.into_iter().chain(two).filter(believed).max()
        };
        LastStarts { any: later(self.any, other.any), full: later(self.full, other.full) }
    }
}

/// What is due according to the timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Run now.
    Now {
        /// Full if a full run is due: it is an incremental one too.
        mode: RunMode,
    },
    /// Nothing is due.
    Later {
        /// When an incremental run is due next.
        incremental: Timestamp,
        /// When a full run is due next.
        full: Timestamp,
    },
}

/// A run that is due now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNow<E> {
    /// Full or incremental.
    pub mode: RunMode,
    /// What the run is due for.
    pub of: Vec<E>,
}

impl Timetable {
    /// What is due now of several things, each with its own past runs. Full runs come first.
    pub fn due_of<E: Copy>(&self, pasts: &[(E, LastStarts)], now: Timestamp) -> Option<DueNow<E>> {
        let of = |wanted: Due| -> Vec<E> {
            pasts.iter().filter(|(_, past)| self.due(*past, now) == wanted).map(|(of, _)| *of).collect()
        };
        [RunMode::Full, RunMode::Incremental]
            .into_iter()
            .map(|mode| DueNow { mode, of: of(Due::Now { mode }) })
            .find(|due| !due.of.is_empty())
    }

    /// What is due now. Without a past run, a full run is due.
    pub fn due(&self, past: LastStarts, now: Timestamp) -> Due {
        let next = |schedule: &Schedule, last: Option<Timestamp>| match last {
            Some(last) => schedule.next_after(last).unwrap_or(Timestamp::MAX),
            None => Timestamp::MIN,
        };
        let full = next(&self.full, past.full);
        let incremental = next(&self.incremental, past.any.max(past.full));
        match (full <= now, incremental <= now) {
            (true, _) => Due::Now { mode: RunMode::Full },
            (false, true) => Due::Now { mode: RunMode::Incremental },
            (false, false) => Due::Later { incremental, full },
        }
    }
}

#[cfg(test)]
mod tests;
