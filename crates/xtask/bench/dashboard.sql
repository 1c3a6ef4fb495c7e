-- A history behind a synced shop, for `bench dashboard`: a run every 15 minutes, each with its counts and requests, and versions of
-- appointments: most are older than those of the shop, whose first sync is moved two days back, and 300 are of the last day. Variables of
-- psql: runs, requests (of each run), versions.
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

-- What the first sync brought, two days ago. An id begins with its time in milliseconds.
CREATE FUNCTION pg_temp.two_days_before(id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - 172800000), 12, '0')
        || right(replace(id::text, '-', ''), 20))::uuid;
UPDATE staging_appointments SET id = pg_temp.two_days_before(id), fetched_at = fetched_at - interval '2 days';
UPDATE gazelle_appointments SET staging_id = pg_temp.two_days_before(staging_id);
UPDATE gazelle_appointment_pianos SET staging_id = pg_temp.two_days_before(staging_id);
UPDATE sync_quarantine SET staging_id = pg_temp.two_days_before(staging_id) WHERE entity = 'appointments';
UPDATE sync_quality_warnings SET staging_id = pg_temp.two_days_before(staging_id) WHERE entity = 'appointments';

-- A version (number n) of a run, numbered from the newest on. 200 runs are two days.
CREATE TEMP TABLE added AS
SELECT n, 201 + n % (:runs - 200) AS run FROM generate_series(1, :versions) AS n
UNION ALL
SELECT :versions + n, 1 + n % 90 FROM generate_series(1, 300) AS n;

INSERT INTO staging_appointments (id, external_id, raw_data, fetched_at, sync_status, run_id, processed_at)
SELECT (lpad(to_hex((extract(epoch FROM past.at) * 1000)::bigint + 1), 12, '0') || '70008000' || lpad(to_hex(added.n), 12, '0'))::uuid, shown.external_id,
       shown.raw_data || jsonb_build_object('updatedAt', past.at), past.at + added.n * interval '1 microsecond', 'processed', past.run_id, past.at
  FROM added
  JOIN past ON past.n = added.run
  JOIN shown ON shown.place = added.n % (SELECT count(*) FROM shown);

INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo');
