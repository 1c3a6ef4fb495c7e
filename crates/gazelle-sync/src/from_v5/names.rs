//! What the old system is called in a database, and what is made beside it.

use std::time::Duration;

/// What the old system called the trigger that shifted times.
pub const OLD_TRIGGER: &str = "tr_fix_api_import";
/// What the old system called that trigger's function.
pub const OLD_FUNCTION: &str = "fn_fix_gazelle_api_time";
/// The table of the backup schema that says how to undo each step.
pub const MANIFEST: &str = "v5_manifest";
/// The policy that lets former readers of an old table read it as before.
pub(super) const POLICY: &str = "gazelle-sync: as before";
/// Waiting longer for a table that somebody uses would make everybody else wait behind us.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The backup schema of an account's schema, where none is named.
pub fn default_backup_schema(schema: &str) -> String {
    if schema == "public" { "gazelle_v5".to_owned() } else { format!("{schema}_v5") }
}

/// The view in the account's schema through which a moved table's own columns stay reachable.
pub fn local_view(table: &str) -> String {
    format!("v5_local_{table}")
}
