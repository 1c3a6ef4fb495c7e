//! The only code that touches the staging tables: appends versions of records, and notes their outcome.
//!
//! [`versions`] adds what stage 1 receives, [`pending`] reads what stage 2 is to process, [`outcome`] notes the
//! result, `slice` selects records by what happened to them, [`quarantine`] keeps the cases of records that could
//! not be reconciled, [`exact`] finds what `jsonb` cannot hold, [`undo`] withdraws versions and restores them.

pub mod api_limits;
pub mod backlog;
pub mod balance;
pub mod bookmarks;
pub mod clock;
pub mod dashboard;
pub mod deletions;
pub mod exact;
pub mod history;
pub mod json_text;
pub mod listed_twice;
pub mod missing_parents;
pub mod outcome;
pub mod pending;
pub mod quarantine;
pub mod removal;
pub mod retention;
pub mod size;
pub mod slice;
pub mod source_fault;
pub mod undo;
pub mod unnoted;
pub mod versions;
pub mod written;

use crate::entities::Entity;

/// Fills `{staging_table}` in a statement.
fn for_entity(template: &str, entity: &Entity) -> String {
    template.replace("{staging_table}", entity.staging_table)
}
