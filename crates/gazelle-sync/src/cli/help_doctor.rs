//! The long help of `doctor`.

pub(super) const DOCTOR: &str = "\
Look whether everything that a deployment needs is there, one line a check, with what mends it.

The database: version, connections, pooler, TLS, migrations, staging tables, the old system's trigger and function \
(tr_fix_api_import, fn_fix_gazelle_api_time) and any other trigger that touches our tables, row security and grants, \
tried as Supabase's anon and authenticated where the role may act as them. Clocks and time zone data, of this machine, \
the database and the API. The API: credentials, and a page of each entity. The service, who reads its metrics, the last \
good run, ways to tell people (knocked at; nothing is sent), the last backup, room on the disk.

The embedded database is started when it is not running.

Effects: none. The database is read in read-only transactions, the API is asked for five records of each entity.";

pub(super) const DOCTOR_MORE: &str = "\
Exit status:
  0  done: everything is well, or only to be looked at (warnings)
  1  failed: at least one problem
  2  wrong use

Examples:
  gazelle-sync doctor
  gazelle-sync doctor --json | jq .problems";
