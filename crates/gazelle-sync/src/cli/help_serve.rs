//! The long help of `serve`.

pub(super) const SERVE: &str = "\
Run by itself: sync by schedule and on demand, until stopped.

Fetches what changed every 15 minutes and everything at 03:00, as the settings say \
(incremental_schedule, full_schedule, timezone). A run that was missed is caught up once; the first one ever is a \
full one. A run that fails is tried again, later each time (six times retry_delay_seconds, doubled up to 15 \
minutes); an API or a database that cannot be reached is waited for. One run at a time: while `sync` or another \
`serve` is at work, it waits.

On demand: POST /runs, or a row in the database, which starts a run within some seconds:
  INSERT INTO sync_wanted_runs (mode) VALUES ('full');

HTTP, on 127.0.0.1:8787 unless told otherwise: /healthz (the process lives), /readyz (the database answers, is \
migrated, and a good run is not long ago), /metrics (Prometheus), /runs (the last runs and requests). An address that \
other machines can reach needs http_token, which callers then send as `Authorization: Bearer …`.

SIGTERM or Ctrl-C ends it: answers under way are waited for and staged, the run is recorded as \
interrupted, and the next start goes on. A second signal ends it at once.

Effects: those of `sync`, again and again. Logs go to stderr, JSON where that is no terminal.";

pub(super) const SERVE_MORE: &str = "\
Exit status:
  0  stopped as asked
  1  failed: the address is taken, the settings do not suffice, or it could not stop in time
  2  wrong use

Examples:
  gazelle-sync serve
  gazelle-sync serve --listen 127.0.0.1:9000

Beside it:
  curl -s localhost:8787/readyz
  curl -s -H 'Content-Type: application/json' -d '{\"mode\": \"full\"}' localhost:8787/runs";
