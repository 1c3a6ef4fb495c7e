//! The clock of a run: the database's clock, but never behind the versions staged before. It dates versions, their
//! ids and bookmarks; no time of another clock counts beyond it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::entities::ENTITIES;
use crate::staging::for_entity;

/// A run warns of clocks that differ by more than this.
pub const LARGE_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// If two records claim the same row (a contact that moved from one client to another), the one seen last has it,
/// so time must not go back, whatever a machine's clock does: neither between runs nor within one, where it
/// advances from the run's start by a monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    /// The date of a version seen at `started`.
    start: Timestamp,
    /// The time of the database's clock at `started`.
    database: Timestamp,
    started: Instant,
}

impl RunClock {
    /// Reads the database's clock and the date of the newest versions. If that is later than now, as after an
    /// earlier run with a wrong clock, all of this run is dated after it: the order of versions matters more than
    /// their dates, which are right again once the database's clock has passed the newest of them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn after_staged(db: &Db) -> Result<RunClock, DbError> {
        let mut newest: Option<Timestamp> = None;
        for entity in ENTITIES.iter().copied() {
            let rows = db.query(&for_entity(include_str!("newest_seen.sql"), entity), &[]).await?;
            newest = newest.max(rows.first().and_then(|row| row.get(0)));
        }
        Ok(RunClock::from_readings(db.now().await?, newest, Instant::now()))
    }

    /// A clock from the database's time at `started` and the date of the newest version staged before.
    fn from_readings(database: Timestamp, newest: Option<Timestamp>, started: Instant) -> RunClock {
        let after_newest =
            newest.map(|newest| newest.checked_add(SignedDuration::from_micros(1)).unwrap_or(newest));
        let start = after_newest.map_or(database, |after_newest| after_newest.max(database));
        RunClock { start, database, started }
    }

    /// How far versions of this run are dated ahead of the database's clock, because staging holds later ones.
    pub fn ahead_of_database(&self) -> SignedDuration {
        self.start.duration_since(self.database)
    }

    /// The date of an instant of this run, for versions.
    pub fn at(&self, instant: Instant) -> Timestamp {
        self.after(self.start, instant)
    }

    /// Now, as [`RunClock::at`].
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The time of an instant of this run by the database's clock.
    pub fn database_at(&self, instant: Instant) -> Timestamp {
        self.after(self.database, instant)
    }

    /// Now, by the database's clock.
    pub fn database_now(&self) -> Timestamp {
        self.database_at(Instant::now())
    }

    fn after(&self, start: Timestamp, instant: Instant) -> Timestamp {
        start.saturating_add(instant.saturating_duration_since(self.started)).unwrap_or(start)
    }

    /// The id of a run that begins now; those of all versions that it stages sort after it.
    pub fn run_id(&self) -> Uuid {
        id(self.now(), 0)
    }
}

/// An id (UUID version 7) for a version dated by a run's clock. Ids sort by these dates, and within a millisecond
/// by the order in which they were made.
pub fn version_id(at: Timestamp) -> Uuid {
    static MADE: AtomicU32 = AtomicU32::new(0);
    // 0 is the count of runs.
    id(at, MADE.fetch_add(1, Ordering::Relaxed) % LARGEST_COUNT + 1)
}

/// The largest number of 18 bits.
const LARGEST_COUNT: u32 = (1 << 18) - 1;

fn id(at: Timestamp, count: u32) -> Uuid {
    // The count in the 12 bits beside the version and the 6 beside the variant; the rest is random.
    let mut rest = [(count >> 14) as u8, (count >> 6) as u8, (count & 0x3f) as u8, 0, 0, 0, 0, 0, 0, 0];
    rest[3..].copy_from_slice(&Uuid::new_v4().as_bytes()[9..]);
    let milliseconds = at.as_millisecond().max(0).unsigned_abs();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &rest).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_dated_by_the_database_and_never_before_what_is_staged() {
        let (database, started) = (at("2026-03-01T12:00:00Z"), Instant::now());
        let later = started + std::time::Duration::from_secs(60);
        let clock = |newest: Option<&str>| RunClock::from_readings(database, newest.map(at), started);
        for newest in [None, Some("2026-03-01T11:00:00Z")] {
            let clock = clock(newest);
            assert_eq!(clock.at(later), at("2026-03-01T12:01:00Z"));
            assert_eq!(clock.ahead_of_database(), SignedDuration::ZERO);
        }
        let ahead = clock(Some("2026-09-17T12:00:00Z"));
        assert_eq!(ahead.at(started), at("2026-09-17T12:00:00.000001Z"));
        assert_eq!(ahead.at(later), at("2026-09-17T12:01:00.000001Z"));
        assert_eq!(ahead.database_at(later), at("2026-03-01T12:01:00Z"));
        assert!(ahead.ahead_of_database() > LARGE_SKEW);
        let end = RunClock::from_readings(database, Some(Timestamp::MAX), started);
        assert_eq!(end.at(later), Timestamp::MAX);
    }

    #[test]
    fn ids_are_in_the_order_of_dates_and_of_making() {
        let ids: Vec<Uuid> = ["1970-01-01T00:00:00Z", "2026-03-01T12:00:00Z", "2026-09-17T12:00:00Z"]
            .into_iter()
            .flat_map(|day| (0..1_000).map(move |_| version_id(at(day))))
            .collect();
        assert!(ids.is_sorted(), "MADE wraps only after some hundred thousand");
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let distinct: std::collections::HashSet<&Uuid> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        let clock = RunClock::from_readings(at("2026-03-01T12:00:00Z"), None, Instant::now());
        let run = clock.run_id();
        assert!(run < version_id(clock.now()) && run > version_id(at("2026-03-01T11:59:59.998Z")));
        // What newest_seen.sql takes for the id of a version.
        assert!(version_id(at("2226-01-01T00:00:00Z")).as_u128() < 0x0800_0000 << 96);
    }
}
