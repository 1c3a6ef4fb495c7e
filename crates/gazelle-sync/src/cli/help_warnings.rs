//! The long text of `warnings --help`.

pub(super) const WARNINGS: &str = "\
List what is worth knowing and is no error.

Of records, by entity and kind, with some of their ids: blank serial numbers, appointments without a client, text \
that was cleaned (U+0000 removed, half characters replaced), times outside 1990 to 2100, things listed twice inside a \
record, fields and rows inside a record that cannot be read (unreadable_field, unreadable_row; their columns are \
NULL). These records are in production all the same; a warning goes when the record's newest version no longer \
deserves it.

Of runs: what changed in the API's schema (new fields, new enum values, changed types), ids that came twice in a \
page, limits of the API under which requests were made smaller (api_limit), clocks that disagree (clock_skew, \
bookmark_in_future, versions_in_future), and what was added to our tables that can refuse a record (table_addition).

Records that did not land are in `errors`, not here.

Effects: none; it only reads.";

pub(super) const WARNINGS_MORE: &str = "\
Exit status:
  0  done, warnings or not
  1  failed
  2  wrong use

Examples:
  gazelle-sync warnings
  gazelle-sync warnings --entity pianos --code blank_serial --limit 100
  gazelle-sync warnings --run 01a207f6-2b01-7712-becf-943859b9e2e2
  gazelle-sync warnings --json | jq .runs";
