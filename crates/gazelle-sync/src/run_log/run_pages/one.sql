-- A run ($1), with what its entities sum up to, and its requests: the columns of page.sql, and its end.
SELECT r.run_id::text AS run_id, r.command, r.mode, r.trigger, r.status, left(r.reason, 20000) AS reason, r.started_at,
       r.finished_at, r.program,
       (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint AS duration_ms,
       did.fetched, did.staged, did.processed, did.errors,
       asked.requests, asked.retries, asked.median AS median_latency_ms, asked.slowest AS slowest_latency_ms,
       asked.p95 AS p95_latency_ms
  FROM {schema}.sync_runs r
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(e.fetched), 0)::bigint AS fetched, coalesce(sum(e.staged), 0)::bigint AS staged,
              coalesce(sum(e.processed), 0)::bigint AS processed, coalesce(sum(e.errors), 0)::bigint AS errors
         FROM {schema}.sync_run_entities e
        WHERE e.run_id = r.run_id) AS did
 CROSS JOIN LATERAL (
       SELECT count(*) AS requests, coalesce(sum(q.attempts), 0)::bigint - count(*) AS retries,
              percentile_disc(0.5) WITHIN GROUP (ORDER BY q.latency_ms) AS median, max(q.latency_ms) AS slowest,
              percentile_disc(0.95) WITHIN GROUP (ORDER BY q.latency_ms) AS p95
         FROM {schema}.sync_run_requests q
        WHERE q.run_id = r.run_id) AS asked
 WHERE r.run_id = $1
