//! The long text of `verify --help`.

pub(super) const VERIFY: &str = "\
Prove that production is what it should be, and say so in one line.

Rebuilds production from staging in scratch tables and compares it row by row; compares counts with the API's; asks \
the API for a random sample of records by id and compares them field by field with production; recomputes every \
local time that v_appointments_montreal shows; checks the appointments that the setting spot_checks names, that no \
trigger touches our tables, that the dashboards count right and that foreign keys hold.

What waits for stage 2 or in quarantine, and what changed at the source since it was last walked, is told and is no \
difference.

Effects: none. All of it happens in one transaction that is rolled back; a run at work is not disturbed. \
The API is asked for counts and the sample.";

pub(super) const VERIFY_MORE: &str = "\
Exit status:
  0  equal
  1  at least one difference, or the database failed
  2  wrong use
  3  partial: no difference found, but the API could not be asked for all

Examples:
  gazelle-sync verify
  gazelle-sync verify --sample 1000
  gazelle-sync verify --entity appointments --offline
  gazelle-sync verify --json | jq .differences";
