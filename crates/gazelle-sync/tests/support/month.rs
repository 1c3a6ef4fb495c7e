//! A month of runs and cases, as the charts of the dashboard show them.

/// The statement that adds them to a database: 48 hours with a run every hour and then one every six hours back for 30 days, each with
/// requests, of which some were retried and one got no answer; one flood of changes, and cases that came and were closed.
pub const MONTH: &str = "
WITH r AS (
     INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
     SELECT gen_random_uuid(), 'sync', 'incremental', 'schedule', 'success', at, at + interval '20 s', 'planted'
       FROM (SELECT now() - g * interval '1 h' - interval '1 min' AS at FROM generate_series(1, 48) g
              UNION ALL
             SELECT now() - interval '49 h' - g * interval '6 h' FROM generate_series(0, 110) g) AS times
     RETURNING run_id, started_at),
e AS (
     INSERT INTO sync_run_entities (run_id, entity, walk, walk_complete, fetched, seen, staged, dropped, reconcile_ms, fetch_ms)
     SELECT run_id, entity, 'whole', true, 500, 500,
            CASE WHEN row_number() OVER newest = 7 AND entity = 'appointments' THEN 4010
                 ELSE row_number() OVER newest * 7919 % 31 * place % (place * 4 + 1) END,
            0, 400 * place, 900 * place
       FROM r, unnest('{users,clients,pianos,appointments}'::text[]) WITH ORDINALITY AS kinds (entity, place)
     WINDOW newest AS (PARTITION BY entity ORDER BY started_at DESC)),
q AS (
     INSERT INTO sync_run_requests (run_id, sequence, operation, variables, attempts, http_status, outcome, latency_ms, bytes, started_at)
     SELECT run_id, n, 'AllClients', '{}', CASE WHEN n % 17 = 0 THEN 2 ELSE 1 END, CASE WHEN n = 40 THEN NULL ELSE 200 END,
            CASE WHEN n = 40 THEN 'unreachable' ELSE 'ok' END,
            CASE WHEN n = 40 THEN 10000 ELSE 90 + (n * n * 37) % 900 END, 20000, started_at + n / 4 * interval '450 ms'
       FROM r, generate_series(1, 70) n
      WHERE started_at > now() - interval '8 days')
INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, state, attempts, first_seen_at, last_seen_at, closed_at)
SELECT gen_random_uuid(), 'clients', 'cli_planted_' || g, 'invalid_field', 'released', 1,
       now() - (g * g % 28) * interval '1 day' - interval '2 h', now(), now() - (g * g % 28) * interval '21 h'
  FROM generate_series(1, 60) g";

/// More requests of the newest run, so that it has more than a page lists.
pub const MORE_REQUESTS: &str = "
INSERT INTO sync_run_requests (run_id, sequence, operation, variables, attempts, http_status, outcome, latency_ms, bytes, started_at)
SELECT run_id, 70 + n, 'AllPianos', '{}', 1, 200, 'ok', 100 + n % 50, 9000, started_at + interval '8 s' + n * interval '20 ms'
  FROM (SELECT run_id, started_at FROM sync_runs WHERE program = 'planted' ORDER BY started_at DESC LIMIT 1) AS newest,
       generate_series(1, 400) n";
