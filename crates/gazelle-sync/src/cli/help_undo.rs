//! The long text of `undo --help`.

pub(super) const UNDO: &str = "\
Put production back to before a run, and keep it so.

The versions that the run staged are withdrawn: they stay in staging and count no more. Production is made what \
staging gives without them, in one transaction: rows that the run changed say again what they said, rows that came \
with it go, records that it marked deleted are back. Records of which a later run brought a newer version stay as they \
are. Anything else in production that staging does not give is put right too, as by a replay.

The same content does not come back with the next sync, and what the run found gone is not marked deleted again, \
unless it changes at the source or the undo is lifted. An undo is a run of its own: undoing it, or --lift, takes it back.

Rows that would go are withheld as by `replay`: beyond the guard of a walk, or where rows of your own tables would go with \
them, nothing is changed, and --allow-deletions repeats it.

Effects: updates production and the standing of versions in staging; with --dry-run nothing but the difference is \
shown. Nothing is deleted from staging, and the API is not asked.";

pub(super) const UNDO_MORE: &str = "\
Exit status:
  0  done
  1  failed, nothing was changed: no such run, undone already, nothing to undo, another run is at work, or something of yours \
(a foreign key, a constraint, a trigger) refuses what would change
  2  wrong use
  3  partial: done but for the records that are named, or removals were withheld

Examples:
  gazelle-sync status
  gazelle-sync undo 01a212c8-c8f1-7104-84de-db584bfc3d27 --dry-run
  gazelle-sync undo 01a212c8-c8f1-7104-84de-db584bfc3d27
  gazelle-sync undo --lift 01a212c8-c8f1-7104-84de-db584bfc3d27";
