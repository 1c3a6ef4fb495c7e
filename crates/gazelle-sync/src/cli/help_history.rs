//! The long texts of `history --help` and `explain --help`.

pub(super) const HISTORY: &str = "\
List every version of a record that staging holds, the oldest first.

Each with when it was seen (UTC, and the zone of the settings), the run and the request that brought it, what it \
counts for now, and what differs from the version before, field by field: path, before -> after. Versions in \
quarantine are listed with their reason, those that an undo withdrew with the undo, and the tombstone of a deleted \
record with the evidence.

The id of a contact or a location leads to the client that holds it.

Effects: only reads, and asks the API for nothing. What it prints is data of the record.";

pub(super) const HISTORY_MORE: &str = "\
Exit status:
  0  done
  1  failed: nobody knows the id, or the database refused
  2  wrong use, or several entities know the id: choose with --entity

Examples:
  gazelle-sync history evt_123
  gazelle-sync history evt_123 --limit 3 --json
  gazelle-sync history 42 --entity clients";

pub(super) const EXPLAIN: &str = "\
Tell where a value in production came from.

From the row back to the source: the version that it names, the path in the record (and the paths that were tried \
before), the run, the request and the page that brought it, the rule that made the value, and whether production still \
says what the rule makes of it. For dates and times every step: the text in the record, the instant, its date and time \
in UTC, the local time, and what v_appointments_montreal shows. Columns that the database computes, or that are taken \
from another row, are followed to those they rest on. Last, what earlier versions said.

The columns date_montreal, time_montreal, last_date_montreal and end_time_montreal of the view can be asked for too.

Effects: only reads, and asks the API for nothing. What it prints is data of the record.";

pub(super) const EXPLAIN_MORE: &str = "\
Exit status:
  0  done, whether production agrees with the record or not
  1  failed: production has no such row, or the database refused
  2  wrong use: no such column, or several rows have the id: choose with --entity or TABLE.COLUMN

Examples:
  gazelle-sync explain evt_123 appointment_time
  gazelle-sync explain evt_123 contact_external_id
  gazelle-sync explain con_42 gazelle_contacts.phone --json
  gazelle-sync explain evt_123/pno_7 is_tuning";
