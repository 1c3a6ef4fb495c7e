//! The clock by which versions are dated: ours, but never behind what was staged before.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::for_entity;
use crate::db::{Db, DbError};
use crate::entities::ENTITIES;

/// Of two records that claim the same row (a contact that went from one client to another) the one seen last has it,
/// so that time must not go back, whatever the machine's clock does: not between runs, nor within one, where it goes on
/// from the run's start as a stopwatch does.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Timestamp,
    started: Instant,
}

impl Clock {
    /// Looks when the newest versions were seen. Where that is later than now, all of this run is dated after it.
    pub async fn after_staged(db: &Db) -> Result<Clock, DbError> {
        let mut newest: Option<Timestamp> = None;
        for entity in ENTITIES {
            let rows = db.query(&for_entity(include_str!("newest_seen.sql"), entity), &[]).await?;
            newest = newest.max(rows.first().and_then(|row| row.get(0)));
        }
        let behind = newest.map_or(SignedDuration::ZERO, |newest| newest.duration_since(Timestamp::now()));
        if !behind.is_positive() {
            return Ok(Clock::starting_now());
        }
        tracing::warn!(
            seconds = behind.as_secs(),
            "the clock is behind what was staged before; versions of this run are dated after that"
        );
        let ahead = behind.saturating_add(SignedDuration::from_micros(1));
        let now = Clock::starting_now();
        Ok(Clock { start: now.start.saturating_add(ahead).unwrap_or(now.start), ..now })
    }

    /// The machine's own.
    pub fn starting_now() -> Clock {
        Clock { start: Timestamp::now(), started: Instant::now() }
    }

    /// The time of an instant of this run, by this clock.
    pub fn at(&self, instant: Instant) -> Timestamp {
        self.start.saturating_add(instant.saturating_duration_since(self.started)).unwrap_or(self.start)
    }

    /// Now, by this clock.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }
}
