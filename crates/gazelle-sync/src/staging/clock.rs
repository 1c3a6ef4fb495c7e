//! The clock by which versions are dated: ours, but never behind what was staged before.

use jiff::{SignedDuration, Timestamp};

use super::for_entity;
use crate::db::{Db, DbError};
use crate::entities::ENTITIES;

/// Of two records that claim the same row (a contact that went from one client to another) the one seen last has it,
/// so that time must not go back between runs, whatever the machine's clock does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    ahead: SignedDuration,
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
            return Ok(Clock::default());
        }
        tracing::warn!(
            seconds = behind.as_secs(),
            "the clock is behind what was staged before; versions of this run are dated after that"
        );
        Ok(Clock { ahead: behind.saturating_add(SignedDuration::from_micros(1)) })
    }

    /// Now, by this clock.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.saturating_add(self.ahead).unwrap_or(now)
    }
}
