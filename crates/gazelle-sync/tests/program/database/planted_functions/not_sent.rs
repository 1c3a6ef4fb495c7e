//! The SQL files that no command of these tests sends.

/// The SQL files that none of the commands here sends, and why.
pub const NOT_SENT: [(&str, &str); 43] = [
    ("access/trust/hand_over.sql", "what others have put on the tables, before a role that makes roles"),
    ("access/trust/theirs.sql", "the embedded server, where roles own tables"),
    ("alerts/give_up_unclaimed.sql", "a duty of the service, once an hour"),
    ("alerts/put_off_unrecorded.sql", "a message of an alert that a trigger keeps from being marked as sent"),
    ("commands/demo/busiest_day.sql", DEMO),
    ("commands/demo/visits_of_day.sql", DEMO),
    ("commands/demo/visits_titled.sql", DEMO),
    ("dashboard/named/unnamed.sql", "an entity that does not say what its records are called"),
    ("dashboard/screens/quarantine/closed.sql", "a quarantine in which nothing is left"),
    ("db/answers/citus_sign_of_life.sql", CITUS),
    ("db/server/citus_blockers.sql", CITUS),
    ("db/server/citus_hosts.sql", CITUS),
    ("db/server/holders.sql", "a table of an old backup that somebody holds locked"),
    ("doctor/database/citus_owner.sql", CITUS),
    ("doctor/database/citus_size.sql", CITUS),
    ("explain/columns.sql", "a column that is not there"),
    ("explain/completed_by.sql", "a value of a row inside a record, whose request is known"),
    ("orchestrator/left_out/marked_in.sql", "more records than usual that carry fewer rows than before"),
    ("orchestrator/waiting_for.sql", "records that wait for those of a list that could not be read"),
    ("rebuild/verify/spot_check.sql", "the setting spot_checks"),
    ("run_log/forget_requests.sql", "runs of more than 90 days ago, beyond the last 100"),
    ("run_log/save_run_warnings.sql", "a warning of a whole run"),
    ("staging/counts/size/size_on_citus.sql", CITUS),
    ("staging/deletions/not_seen_since.sql", "a deletion that is approved after its record was seen again"),
    (
        "staging/missing_parents/still_waited_for.sql",
        "a parent that a list does not hold, asked for by its id",
    ),
    ("staging/notes/unnoted/in_production.sql", "a refused warning, whose trigger is gone"),
    ("staging/notes/unnoted/note.sql", "a trigger of the company's that refuses a warning"),
    ("staging/notes/whole_since/note.sql", "versions that are old enough to be removed"),
    ("staging/outcome/reset_older_reconciler.sql", "a reconciler of a later release"),
    ("staging/pending/chronology_of.sql", "a version that comes after a newer one of its record"),
    ("staging/quarantine/carry_first_seen.sql", FAILING_API),
    ("staging/quarantine/supersede_not_asked.sql", FAILING_API),
    ("staging/removal/keys.sql", "old rows of any table that are to be removed"),
    ("staging/removal/retention/named_runs.sql", "runs of more than 90 days ago, beyond the last 100"),
    ("staging/versions/is_there.sql", FAILING_API),
    ("staging/versions/missing.sql", FAILING_API),
    ("staging/versions/newest_has_fields.sql", FAILING_API),
    ("staging/written/suppressors.sql", "a trigger of the company's that drops rows in silence"),
    ("staging_to_production/another_row/rewrite.sql", "an error that may be a record's or the database's"),
    ("staging_to_production/derived/refresh.sql", "a client whose default contact or address changes"),
    ("staging_to_production/marks/mark_left_out.sql", "a client whose contacts or addresses become fewer"),
    ("staging_to_production/notes/drop_settled.sql", "a warning that its record no longer gives"),
    ("staging_to_production/upsert/update_held.sql", "a row that a constraint of the company's refuses"),
];
const DEMO: &str = "the demonstration, which has a database of its own";
pub const CITUS: &str = "Citus distributes the schema";
const FAILING_API: &str = "an API that cannot give a record with its list";

/// Made of pieces that the program fills in, and sent whole by commands that meet none of these cases.
pub const PIECES: [&str; 5] = [
    "dashboard/named/unnamed.sql",
    "staging_to_production/another_row/rewrite.sql",
    "staging_to_production/derived/refresh.sql",
    "staging_to_production/marks/mark_left_out.sql",
    "staging_to_production/upsert/update_held.sql",
];
