//! The id of a run, as it is typed.

use uuid::Uuid;

/// Reads the id of a run. The error says how one looks and where they are listed.
pub(super) fn run_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "a run id looks like 01a212c8-c8f1-7104-84de-db584bfc3d27; `gazelle-sync status` (on a wide terminal, or with --json) lists the last runs, and \
         `gazelle-sync history` names the run of each version of a record"
            .to_owned()
    })
}
