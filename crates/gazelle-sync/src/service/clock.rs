//! The clock that the timetable uses, and waiting by that clock.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Gives the time and waits. Tests use a faster one.
pub trait ScheduleClock: Send + Sync + 'static {
    /// The current time, UTC.
    fn now(&self) -> Timestamp;

    /// Waits until `until`, but at most `at_most`, because the clock may be set meanwhile.
    fn wait(&self, until: Timestamp, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Takes the time that the database just reported: the database dates the runs that the timetable counts from.
    fn follow(&self, _database: Timestamp) {}
}

/// The database's clock: the time it last reported plus the time elapsed since, or the machine's clock before that.
/// By a machine clock that is wrong, a run of this morning could seem to be in the future or months ago.
#[derive(Default)]
pub struct DatabaseClock {
    read: Mutex<Option<(Timestamp, Instant)>>,
}

impl DatabaseClock {
    fn read(&self) -> MutexGuard<'_, Option<(Timestamp, Instant)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScheduleClock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let Some((database, read_at)) = *self.read() else { return Timestamp::now() };
        database.saturating_add(read_at.elapsed()).unwrap_or(database)
    }

    fn wait(&self, until: Timestamp, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let left = Duration::try_from(until.duration_since(self.now())).unwrap_or(Duration::ZERO);
        Box::pin(tokio::time::sleep(left.min(at_most)))
    }

    fn follow(&self, database: Timestamp) {
        *self.read() = Some((database, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_timetable_goes_by_the_databases_clock_once_it_is_known() {
        let clock = DatabaseClock::default();
        assert!(clock.now().duration_since(Timestamp::now()).abs().as_secs() < 60);
        let database: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        clock.follow(database);
        let ahead = clock.now().duration_since(database);
        assert!(!ahead.is_negative() && ahead.as_secs() < 60, "{ahead}");
        // A time that has passed by the database's clock is not waited for, whatever the machine's clock says.
        let waited = clock.wait(database, Duration::from_secs(3600));
        tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap();
    }
}
