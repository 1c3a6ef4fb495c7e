//! Coming from V5: a database that already holds the old system's tables, under the names of ours.
//!
//! The old tables move, whole, into a backup schema; the trigger and the function that shifted times go; ours
//! are created in the freed place, and everything is fetched afresh. Nothing is converted. A manifest in the
//! backup schema keeps, for each step, the statement that undoes it, and the way back runs them in reverse.
//!
//! `inventory` reads what is there and what depends on it (`rights`: who may do what with it), [`away`] goes and
//! [`closing`] closes what has moved, [`back`] returns. Both ways are one transaction each: all of it, or nothing.
//! `steps` keeps the manifest.

pub mod away;
pub mod back;
pub mod closing;
mod inventory;
mod rights;
mod steps;

use std::time::Duration;

use serde::Serialize;

pub use inventory::{Dependent, Moving, read};
pub use rights::LosesAccess;

/// What the old system called the trigger that shifted times.
pub const OLD_TRIGGER: &str = "tr_fix_api_import";
/// What the old system called that trigger's function.
pub const OLD_FUNCTION: &str = "fn_fix_gazelle_api_time";
/// The table of the backup schema that says how to undo each step.
pub const MANIFEST: &str = "v5_manifest";
/// The policy that lets former readers of an old table read it as before.
const POLICY: &str = "gazelle-sync: as before";
/// Waiting longer for a table that somebody uses would make everybody else wait behind us.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// What coming from V5 does to a database, or did.
#[derive(Debug, Clone, Serialize)]
pub struct Inventory {
    /// The account's schema.
    pub schema: String,
    /// Where the old tables go.
    pub backup_schema: String,
    /// What moves there.
    pub moving: Vec<Moving>,
    /// Triggers dropped: `table.trigger`.
    pub triggers: Vec<String>,
    /// Functions moved away: `name(arguments)`.
    pub functions: Vec<String>,
    /// Who can do nothing with the old tables any more: those whom Supabase lets in from outside.
    pub loses_access: Vec<LosesAccess>,
    /// What depends on the old tables and is not moved: for a person to look at.
    pub dependents: Vec<Dependent>,
}

/// The backup schema of an account's schema, where none is named.
pub fn default_backup_schema(schema: &str) -> String {
    if schema == "public" { "gazelle_v5".to_owned() } else { format!("{schema}_v5") }
}

/// The view in the account's schema through which a moved table's own columns stay reachable.
pub fn local_view(table: &str) -> String {
    format!("v5_local_{table}")
}
