//! Coming from V5: a database that already holds the old system's tables, under the names of ours.
//!
//! The old tables move, whole, into a backup schema; the trigger and the function that shifted times go; ours
//! are created in the freed place, and everything is fetched afresh. Nothing is converted. A manifest in the
//! backup schema keeps, for each step, the statement that undoes it, and the way back runs them in reverse.
//!
//! [`away`] goes, by what `inventory` reads of what is there and what depends on it, and [`closing`] closes what has moved, by
//! the `rights` on it; [`back`] returns. Both ways are one transaction each: all of it, or nothing. `steps` keeps the manifest,
//! and `names` says what everything is called.

pub mod away;
pub mod back;
pub mod closing;
mod inventory;
mod names;
mod rights;
mod steps;

pub use inventory::{Dependent, Inventory, Moving, read};
pub use names::{MANIFEST, OLD_FUNCTION, OLD_TRIGGER, default_backup_schema, local_view};
pub use rights::LosesAccess;
