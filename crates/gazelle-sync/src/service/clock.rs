//! The clock that the timetable goes by, and waiting by it.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Tells the time and waits. Tests have one that goes faster.
pub trait Clock: Send + Sync + 'static {
    /// The instant.
    fn now(&self) -> Timestamp;

    /// Waits until an instant, but never longer than `at_most`: the clock may have been set meanwhile.
    fn wait(&self, until: Timestamp, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Notes what the database's clock says, which dates the runs that the timetable counts from.
    fn follow(&self, _database: Timestamp) {}
}

/// The clock of the database, as of the last time that it was read and carried on by a stopwatch; until then that of the
/// machine. By the machine's a run of this morning could lie in the future, or months ago.
#[derive(Default)]
pub struct DatabaseClock {
    read: Mutex<Option<(Timestamp, Instant)>>,
}

impl DatabaseClock {
    fn read(&self) -> MutexGuard<'_, Option<(Timestamp, Instant)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for DatabaseClock {
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
        // What is past there is not waited for, whatever the machine says.
        let waited = clock.wait(database, Duration::from_secs(3600));
        tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap();
    }
}
