//! The id of a run in arguments.

use uuid::Uuid;

/// Parses the id of a run.
///
/// # Errors
/// Explains the format and where runs are listed.
pub(super) fn run_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "a run id looks like 01a212c8-c8f1-7104-84de-db584bfc3d27; `gazelle-sync status` (on a wide terminal, or with --json) lists the last runs, and \
         `gazelle-sync history` names the run of each version of a record"
            .to_owned()
    })
}
