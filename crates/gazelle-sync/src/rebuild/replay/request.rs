//! The request for a replay.

use crate::entities::Entity;
use crate::staging::slice::Slice;

/// What to replay, and how.
#[derive(Debug)]
pub struct ReplayRequest {
    /// The entities to replay.
    pub entities: Vec<&'static Entity>,
    /// Which of their records.
    pub slice: Slice,
    /// Show the difference and apply nothing.
    pub dry_run: bool,
    /// Remove rows even if the guard, or rows of users' tables that would be affected, would withhold it.
    pub allow_deletions: bool,
}
