//! The long text of `replay --help`.

pub(super) const REPLAY: &str = "\
Rebuild production from staging, without the API.

Reconciles every version again into scratch tables, as if production were empty, shows in which rows production \
differs, column by column, and makes production equal to the result in one transaction. Rows that are right are not \
touched, readers never see an empty table, and your own tables that refer to ours stay as they are. Use it after a \
repair by hand, or to see that staging alone holds everything.

--entity, --id, --run, --since and --until choose records; several of them must all hold. All is rebuilt in any case, \
and these are compared and applied.

--into SCHEMA builds production there instead, with its foreign keys and v_appointments_montreal, as it is now or as \
of an instant: what the versions that had been seen by then say.

Effects: updates production; with --dry-run nothing but the difference is shown, with --into another schema is made \
and production is not touched. Staged versions and your own tables stay as they are.";

pub(super) const REPLAY_MORE: &str = "\
Exit status:
  0  done
  1  failed: the database refused, another run is at work, or the slice names nothing
  2  wrong use
  3  partial: staging and production disagree

Examples:
  gazelle-sync replay --dry-run
  gazelle-sync replay
  gazelle-sync replay --entity pianos
  gazelle-sync replay --id evt_123 --id evt_456 --dry-run
  gazelle-sync replay --entity appointments --since 2026-01-09
  gazelle-sync replay --as-of 2026-01-09T12:00:00Z --into before_the_move";
