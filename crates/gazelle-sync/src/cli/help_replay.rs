//! The long text of `replay --help`.

pub(super) const REPLAY: &str = "\
Rebuild production from staging, without the API.

Reconciles every version again into scratch tables, as if production were empty, shows in which rows production \
differs, column by column, and makes production equal to the result in one transaction. Rows that are right are not \
touched, readers never see an empty table, and your own tables that refer to ours stay as they are. Use it after a \
repair by hand, or to see that staging alone holds everything.

--entity, --id, --run, --since and --until choose records; several of them must all hold. All is rebuilt in any case, \
and these are compared and applied.

Rows that no version in staging gives are removed, unless that would be rows of more records than the guard of a walk \
allows (delete_guard_records, delete_guard_percent), or rows of your own tables would go or change with them by a foreign key: \
then nothing is changed, and --allow-deletions repeats it. A row that something added to our tables refuses (a constraint, a \
trigger) leaves everything as it was, and is named; records that wait in quarantine are tried again by themselves.

--into SCHEMA builds production there instead, with its foreign keys and v_appointments_montreal, as it is now or as \
of an instant: what the versions that had been seen by then say.

Effects: updates production; with --dry-run nothing but the difference is shown, with --into another schema is made \
and production is not touched. Staged versions and your own tables stay as they are.";

pub(super) const REPLAY_MORE: &str = "\
Exit status:
  0  done
  1  failed, nothing was changed: the database refused, another run is at work, or the slice names nothing
  2  wrong use
  3  partial: done but for the records that are named, or removals were withheld

Examples:
  gazelle-sync replay --dry-run
  gazelle-sync replay
  gazelle-sync replay --entity pianos
  gazelle-sync replay --allow-deletions
  gazelle-sync replay --id evt_123 --id evt_456 --dry-run
  gazelle-sync replay --entity appointments --since 2026-01-09
  gazelle-sync replay --as-of 2026-01-09T12:00:00Z --into before_the_move";
