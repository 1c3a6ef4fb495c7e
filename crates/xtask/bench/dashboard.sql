-- A history behind a synced shop, for `bench dashboard`: a run every 15 minutes, each with its counts and requests, and versions of
-- appointments, all of them older than those of the shop. Variables of psql: runs, requests (of each run), versions.
CREATE TEMP TABLE past AS
SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS run_id
  FROM (SELECT n, now() - interval '1 hour' - n * interval '15 minutes' AS at FROM generate_series(1, :runs) n) AS of_time;
CREATE INDEX ON past (n);

INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
SELECT run_id, 'sync', CASE WHEN n % 96 = 0 THEN 'full' ELSE 'incremental' END, 'schedule',
       CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'success' END, at, at + interval '20 s', 'bench'
  FROM past;

INSERT INTO sync_run_entities (run_id, entity, walk, walk_complete, source_total, seen, fetched, staged, unchanged, in_staging, in_production)
SELECT run_id, entity, 'whole', true, 4000, 4000, 4000, CASE entity WHEN 'appointments' THEN :versions / :runs ELSE 0 END, 4000, 4000, 4000
  FROM past, unnest('{users,clients,pianos,appointments}'::text[]) AS entity;

INSERT INTO sync_run_requests (run_id, sequence, operation, variables, attempts, http_status, outcome, latency_ms, bytes, started_at)
SELECT run_id, sequence, 'AppointmentsPage', '{}', 1, 200, 'ok', 100 + (n * sequence) % 400, 50000, at + sequence * interval '250 ms'
  FROM past, generate_series(1, :requests) AS sequence;

CREATE TEMP TABLE shown AS
SELECT row_number() OVER (ORDER BY external_id) - 1 AS place, external_id, raw_data FROM staging_appointments WHERE operation = 'upsert';
CREATE INDEX ON shown (place);
ANALYZE past, shown;

INSERT INTO staging_appointments (id, external_id, raw_data, fetched_at, sync_status, run_id, processed_at)
SELECT (lpad(to_hex((extract(epoch FROM past.at) * 1000)::bigint + 1), 12, '0') || '70008000' || lpad(to_hex(version.n), 12, '0'))::uuid, shown.external_id,
       shown.raw_data || jsonb_build_object('updatedAt', past.at), past.at + version.n * interval '1 microsecond', 'processed', past.run_id, past.at
  FROM generate_series(1, :versions) AS version (n)
  JOIN past ON past.n = 1 + version.n % :runs
  JOIN shown ON shown.place = version.n % (SELECT count(*) FROM shown);

INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo');
