//! The long help of `migrate`.

pub(super) const MIGRATE: &str = "\
Create or upgrade the database, and say what was done.

`sync` does this by itself on an empty database; on an older one it stops and names this command, \
because an upgrade is a decision.

--from-v5 is for a database that holds the old system's tables under the names of ours. They move, whole, \
into a schema of their own; the trigger and the function that shifted times go; ours are created in their \
place, and columns that only the old tables had stay reachable by external_id (views v5_local_…). Supabase's anon \
and authenticated, and everybody, lose their rights on the old tables; other readers keep theirs. What else \
depends on the old tables is listed with what to do. --from-v5 --back restores all of it exactly, and keeps \
ours aside.

--roles is run once, as an administrator (on Supabase: postgres). It migrates, then makes three roles: the owner \
of our tables, as which nobody logs in; the role of the sync, which writes them and owns none; a group for readers, \
which sees production, views, and of staging and bookkeeping no more than `status` counts. Supabase's anon gets \
nothing, authenticated what policies of yours let it read (examples/policies-by-technician.sql). No password is set. \
Again, it changes nothing but what somebody has opened since, old tables of --from-v5 included; later migrations need the administrator, and cover their new tables by themselves. \
With --dry-run it prints the SQL.

Effects: creates and alters tables and views in the schema of the settings, with --roles also roles and rights; no \
data of yours is removed. With --dry-run nothing is changed.";

pub(super) const MIGRATE_MORE: &str = "\
Exit status:
  0  done, or nothing to do
  1  failed: the database cannot be reached, is too old, or refused
  2  wrong use

Examples:
  gazelle-sync migrate --dry-run
  gazelle-sync migrate
  gazelle-sync migrate --roles --dry-run
  gazelle-sync migrate --roles --reader-role dashboard
  gazelle-sync migrate --from-v5 --dry-run
  gazelle-sync migrate --from-v5 --back
  DATABASE_URL=postgres://sync@db.example.org/shop gazelle-sync migrate --schema montreal";
