//! Migrates a database that holds the tables of version 5, whose names are the same as ours, and back.
//!
//! The old tables are moved into a backup schema; the trigger that shifted times is dropped and its function moved.
//! Our tables are created in their place, and everything is fetched again; no data is converted. A manifest in the
//! backup schema records for each step the statement that undoes it; going back runs them in reverse order.
//!
//! [`away`] moves the tables, using `inventory` to read what is there and what depends on it; [`closing`] revokes
//! public access to the backup, using [`open`] and `rights`; [`back`] moves them back. Each direction is one transaction.
//! `steps` writes the manifest, and `names` defines the names.

pub mod away;
pub mod back;
pub mod closing;
mod inventory;
mod names;
pub mod open;
mod rights;
mod steps;

pub use inventory::{Dependent, Inventory, Moving, read};
pub use names::{MANIFEST, OLD_FUNCTION, OLD_TRIGGER, default_backup_schema, local_view};
pub use rights::RevokedReader;
