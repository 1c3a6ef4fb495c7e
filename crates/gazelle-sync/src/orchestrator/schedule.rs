//! When the service runs by itself: pure functions from the past and the clock to what is due.
//!
//! What was missed is caught up once, however often it was missed. A full run is an incremental one too. A
//! clock that is set back does not run again what ran; one that is set forward finds what it jumped over due,
//! once.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::run_log::runs::Past;
use crate::states::RunMode;

/// A run that started later than this after now was dated by a clock that was wrong: it says nothing. Of a clock
/// set back by less, the schedule waits until it has caught up.
const SET_BACK: SignedDuration = SignedDuration::from_mins(30);

/// A cron expression in a zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Reads an expression: minute, hour, day, month, weekday, and seconds before them if wanted.
    ///
    /// Errors: one that cannot be read, or that never comes (a 31st of February).
    pub fn new(expression: &str, zone: &TimeZone) -> Result<Schedule, String> {
        let wrong = |why: String| format!("the schedule `{expression}` {why}");
        let cron: Cron = expression.parse().map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let schedule = Schedule { cron, zone: zone.clone() };
        match schedule.next_after(Timestamp::now()) {
            Some(_) => Ok(schedule),
            None => Err(wrong("never comes".to_owned())),
        }
    }

    /// The first time it comes after an instant. An hour that a clock change leaves out comes when it would have
    /// been; one that a clock change repeats comes once.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let local = instant.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&local, false).ok().map(|next| next.timestamp())
    }
}

/// The two schedules of the service.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// When what changed is fetched.
    pub incremental: Schedule,
    /// When everything is.
    pub full: Schedule,
}

impl Past {
    /// The later of two memories, without what a wrong clock has dated.
    pub fn and(self, other: Past, now: Timestamp) -> Past {
        let believed = |at: &Timestamp| at.duration_since(now) <= SET_BACK;
        let later = |one: Option<Timestamp>, two: Option<Timestamp>| {
            one.into_iter().chain(two).filter(believed).max()
        };
        Past { any: later(self.any, other.any), full: later(self.full, other.full) }
    }
}

/// What the timetable says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Run now.
    Now {
        /// A full run is an incremental one too.
        mode: RunMode,
    },
    /// Nothing is due.
    Later {
        /// When an incremental run is due next.
        incremental: Timestamp,
        /// When a full one is.
        full: Timestamp,
    },
}

/// What is to be run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNow<E> {
    /// How.
    pub mode: RunMode,
    /// Which of those asked about.
    pub of: Vec<E>,
}

impl Timetable {
    /// What is due now of several things with a past each: first what is due in full.
    pub fn due_of<E: Copy>(&self, pasts: &[(E, Past)], now: Timestamp) -> Option<DueNow<E>> {
        let of = |wanted: Due| -> Vec<E> {
            pasts.iter().filter(|(_, past)| self.due(*past, now) == wanted).map(|(of, _)| *of).collect()
        };
        [RunMode::Full, RunMode::Incremental]
            .into_iter()
            .map(|mode| DueNow { mode, of: of(Due::Now { mode }) })
            .find(|due| !due.of.is_empty())
    }

    /// What is due now. Where there was no run yet, it is: the first one is full.
    pub fn due(&self, past: Past, now: Timestamp) -> Due {
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
