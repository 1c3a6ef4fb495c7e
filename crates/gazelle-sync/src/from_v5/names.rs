//! Names of version 5's objects, and of those we create beside them.

use std::time::Duration;

/// Version 5's trigger that shifted times.
pub const OLD_TRIGGER: &str = "tr_fix_api_import";
/// That trigger's function.
pub const OLD_FUNCTION: &str = "fn_fix_gazelle_api_time";
/// The table of the backup schema that records how to undo each step.
pub const MANIFEST: &str = "v5_manifest";
/// The policy that keeps the former readers of an old table.
pub(super) const POLICY: &str = "gazelle-sync: as before";
/// While we wait for a table's lock, every other session queues behind us.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The default backup schema of an account's schema.
pub fn default_backup_schema(schema: &str) -> String {
    if schema == "public" { "gazelle_v5".to_owned() } else { format!("{schema}_v5") }
}

/// The view in the account's schema through which the additional columns of a moved table stay readable.
pub fn local_view(table: &str) -> String {
    format!("v5_local_{table}")
}
