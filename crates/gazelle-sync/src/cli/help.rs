//! The long texts of `--help`: what a command does, what it touches, how it ends, examples.

/// What the program is.
pub(super) const ABOUT: &str = "\
Mirrors a Gazelle account into PostgreSQL, in two stages.

Stage 1 fetches records from Gazelle's API and keeps each version as it came, in staging tables. \
Stage 2 makes the production tables say what the newest version says. A bad record goes to \
quarantine with its reason and stops nothing else; whatever is in production can be rebuilt from \
staging, without the API.";

/// Shown below the list of commands.
pub(super) const WHERE_TO_START: &str = "\
Where to start:
  gazelle-sync demo                   try everything, with nothing configured
  gazelle-sync sync --mode full       the first sync (set GAZELLE_API_KEY; DATABASE_URL if wanted)
  gazelle-sync status                 what is held
  gazelle-sync help settings          all settings";

/// What every command's exit status means.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  failed
  2  wrong use
  3  partial: something is incomplete or withheld";

pub(super) const DEMO: &str = "\
Try everything on a made-up shop, with nothing configured.

Starts the embedded database and a simulated Gazelle, runs a full sync, changes a few things at \
the source, runs an incremental sync, and shows what came of it: counts, speeds, a technician's \
day, what changed, and how to look further.

Effects: writes into the embedded database in the data folder; where no PostgreSQL \
is installed, fetches its programs into that folder. DATABASE_URL and the real Gazelle are not \
touched. The database is left running for `status` and `psql`. A second demo works too: it drops the \
tables and views of the first, and none of yours.";

pub(super) const DEMO_MORE: &str = "\
Exit status:
  0  done
  1  failed
  2  wrong use
  3  partial: a walk stayed incomplete or the counts disagree

Examples:
  gazelle-sync demo
  gazelle-sync demo --small --stop
  gazelle-sync demo --appointments 100000 --clients 20000 --latency-ms 240";

pub(super) const SYNC: &str = "\
Fetch from Gazelle and bring production up to date: both stages.

An incremental run reads users, clients and pianos whole and events from the bookmark on; a full \
run reads everything. Either way only content that changed is staged and written. The first run on \
an empty database creates it; an older database is upgraded by `migrate` alone.

Effects: inserts into staging, updates production and the run's records, in the schema of the \
settings. Nothing is ever written to Gazelle. It is safe to stop at any instant and to run again. \
A field that cannot be read is NULL, with a warning (see `warnings`). A record without a readable id or start goes to \
quarantine (see `errors`); only more of them than quarantine_guard_records and quarantine_guard_percent allow make the \
run partial.";

pub(super) const SYNC_MORE: &str = "\
Exit status:
  0  done: every walk was complete and the counts agree
  1  failed: the API or the database refused, or another run is at work
  2  wrong use
  3  partial: a walk stayed incomplete, something is withheld, or more records than usual are newly in quarantine

Examples:
  gazelle-sync sync --mode full
  gazelle-sync sync                                   what changed
  gazelle-sync sync --entity clients --entity pianos
  gazelle-sync sync --since 2026-01-01                events from that day less the lookback on
  gazelle-sync sync --mode full --json | jq .status";

pub(super) const FETCH: &str = "\
Fetch from Gazelle into staging: stage 1 alone.

Reads as `sync` does and keeps every changed record as it came, pending. Production stays as it is \
until `reconcile`.

Effects: inserts into staging and the run's records, moves the bookmarks. Nothing is interpreted \
and nothing is written to production or to Gazelle.";

pub(super) const FETCH_MORE: &str = "\
Exit status:
  0  done: every walk was complete and the counts agree
  1  failed: the API or the database refused, or another run is at work
  2  wrong use
  3  partial: a walk stayed incomplete, or something is withheld

Examples:
  gazelle-sync fetch --mode full
  gazelle-sync fetch --entity appointments --since 2026-01-09T12:00:00Z
  gazelle-sync fetch --concurrency 2 --page-size 50";

pub(super) const RECONCILE: &str = "\
Bring production up to date with staging: stage 2 alone, without the API.

Takes the newest version of every pending record, parents before children. A record that cannot \
be reconciled goes to quarantine with the field that is wrong; the others land. Rows that already \
say the same are not written.

Effects: updates production and the status of staged records, batch by batch in one transaction. \
It is safe to stop at any instant and to run again.";

pub(super) const RECONCILE_MORE: &str = "\
Exit status:
  0  done, quarantined records included unless they are too many
  1  failed: the database refused, or another run is at work
  2  wrong use
  3  partial: staging and production disagree, or more records than usual are newly in quarantine

Examples:
  gazelle-sync reconcile
  gazelle-sync reconcile --entity appointments
  gazelle-sync reconcile --json | jq .errors";

pub(super) const STATUS: &str = "\
Show what is held, what waits, and the last runs.

Per entity: records in staging by state, rows in production, bookmark; then the last runs with \
their counts and outcome.

Effects: none; it only reads. The embedded database is started when it is not running.";

pub(super) const STATUS_MORE: &str = "\
Exit status:
  0  done, whatever the state of the data
  1  failed: the database cannot be reached
  2  wrong use

Examples:
  gazelle-sync status
  gazelle-sync status --schema montreal
  gazelle-sync status --json | jq .runs[0].status";

pub(super) const ERRORS: &str = "\
List, show, retry or dismiss the records in quarantine.

Each is listed with its entity, its id, its state, its reason, and its attempts. It is `open`, or `waiting` for a \
record that it names and that is not there yet; it is let in by itself when that one lands. It is closed as \
`released` (a later try went well), `superseded` (a newer version of the record is good), `reread` (a newer version of \
the reconciler reads it), `withdrawn` (its run was undone) or `dismissed` (by a person). --all and --state list the \
closed ones, until runs_retention ends for them; dismissed ones are kept. --json prints one array, cut at --limit as \
the list for people is; how many were left out is said on stderr.

show prints everything about one: the reason, the field and what it holds, attempts, when it was seen first and last, \
the run and the request that brought it, the newest good version, what to do, and the raw record.

Effects: list and show only read; retry reconciles the records again; dismiss marks one as left \
alone, with the reason. Both wait for no run: while one is at work they fail and say so. No raw record is ever \
removed.";

pub(super) const ERRORS_MORE: &str = "\
Exit status:
  0  done, whether the list is empty or not, and whether a retry helped or not
  1  failed: no such record, another run is at work, or the database refused
  2  wrong use

Examples:
  gazelle-sync errors
  gazelle-sync errors --all
  gazelle-sync errors --entity appointments --code missing_parent --limit 10
  gazelle-sync errors --all --limit all --json
  gazelle-sync errors show 0198f6a2-7c1e-7d55-9d0e-0f5f4a3b2c1d
  gazelle-sync errors retry --entity appointments
  gazelle-sync errors dismiss 0198f6a2-7c1e-7d55-9d0e-0f5f4a3b2c1d --reason 'test entry of ours'";

pub(super) const SIMULATE: &str = "\
Run a simulated Gazelle with a made-up shop, until it is stopped (Ctrl-C).

It answers the queries of the real API over HTTP, with the same paging, filters and quirks. The \
same seed and sizes give the same shop. For trying settings and for tests; it holds nothing real.

Effects: listens on the address, keeps everything in memory. The key is a made-up one of this \
simulation: never give it a real one, since process arguments can be read by others.";

pub(super) const SIMULATE_MORE: &str = "\
Exit status:
  0  stopped by Ctrl-C or SIGTERM
  1  failed: the address is taken
  2  wrong use

Examples:
  gazelle-sync simulate
  gazelle-sync simulate --small --seed 7 --listen 127.0.0.1:9000
  GAZELLE_API_URL=http://127.0.0.1:8788/graphql/private GAZELLE_API_KEY=simulated-key \\
    gazelle-sync sync --mode full

While it runs, its shop is changed and its answers are broken over HTTP, without a key (keep it on a loopback address):
  POST /_sim/change          change records: one change or a list of them
  POST /_sim/fault           break coming answers: one fault or a list of them, `times` (1; null: for ever)
  GET, DELETE /_sim/fault    list the faults, clear them (DELETE /_sim/fault/ID: one)
  GET /_sim/truth/KIND       the ids of a kind: user client contact piano event invoice estimate timeline
  GET /_sim/truth/KIND/ID    a record as it is held
  GET /_sim/requests         what was asked

  curl -d '{\"change\": \"add\", \"kind\": \"client\", \"record\": {\"companyName\": \"Salle Wilfrid\"}}' \\
    http://127.0.0.1:8788/_sim/change
  curl -d '{\"fault\": \"too_many_requests\", \"retry_after_seconds\": 2, \"root_field\": \"allClients\"}' \\
    http://127.0.0.1:8788/_sim/fault

All changes and faults: crates/gazelle-sim/README.md in the source code.";

pub(super) const SETTINGS: &str = "\
Show the settings in force and where each came from; of secrets only that they are set.

Effects: none; neither the database nor the API is asked.";

pub(super) const SETTINGS_MORE: &str = "\
Exit status:
  0  done
  2  wrong use, a wrong setting included

Examples:
  gazelle-sync settings
  gazelle-sync settings --config /etc/gazelle-sync.toml --json";

pub(super) const DELETIONS: &str = "\
List records found gone at the source, and decide on those that were withheld.

After a complete walk, a record that was not seen is asked for by itself; only when Gazelle says that \
it does not exist is it marked deleted (deleted_at), with the answer as evidence. More of them at once \
than the guard allows (delete_guard_records, delete_guard_percent) are withheld until a person decides.

Effects: list only reads; approve marks the records deleted, dismiss keeps them. Nothing is ever \
removed: raw history and rows stay.";

pub(super) const DELETIONS_MORE: &str = "\
Exit status:
  0  done
  1  failed, or the run withheld nothing that waits
  2  wrong use
  3  approved, and staging and production disagree after it

Examples:
  gazelle-sync deletions
  gazelle-sync deletions list --all
  gazelle-sync deletions approve 01a207f6-2b01-7712-becf-943859b9e2e2
  gazelle-sync deletions dismiss 01a207f6-2b01-7712-becf-943859b9e2e2";

pub(super) const COMPLETIONS: &str = "\
Print the script that completes commands and flags in a shell.

Effects: none; it only prints. Install the script where the shell looks for it, for bash \
/usr/share/bash-completion/completions/gazelle-sync.";

pub(super) const COMPLETIONS_MORE: &str = "\
Exit status:
  0  done
  1  failed
  2  wrong use

Examples:
  gazelle-sync completions bash | tee /usr/share/bash-completion/completions/gazelle-sync
  gazelle-sync completions fish | tee ~/.config/fish/completions/gazelle-sync.fish";

pub(super) const MAN: &str = "\
Print the manual page, or write the pages of all commands.

Effects: with --dir writes files into that folder, which is made if need be; otherwise it only prints.";

pub(super) const MAN_MORE: &str = "\
Exit status:
  0  done
  1  failed: the folder cannot be written
  2  wrong use

Examples:
  gazelle-sync man | man -l -
  gazelle-sync man --dir /usr/local/share/man/man1";
