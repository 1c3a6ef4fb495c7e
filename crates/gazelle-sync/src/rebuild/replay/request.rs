//! What is replayed.

use crate::entities::Entity;
use crate::staging::slice::Slice;

/// What is replayed.
#[derive(Debug)]
pub struct ReplayRequest {
    /// These entities.
    pub entities: Vec<&'static Entity>,
    /// Of them, these records.
    pub slice: Slice,
    /// Show the difference and apply nothing.
    pub dry_run: bool,
    /// Remove rows even where the guard, or rows of users' tables that would go with them, would withhold it.
    pub allow_deletions: bool,
}
