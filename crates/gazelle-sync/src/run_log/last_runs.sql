-- The last ten runs, newest first, with the sums of their entities and of their requests. Runs dated in the future
-- come last.
SELECT r.run_id::text AS run_id, r.command, r.mode, r.status, r.reason, r.started_at,
       (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint AS duration_ms,
       coalesce(sum(e.fetched), 0)::bigint AS fetched, coalesce(sum(e.staged), 0)::bigint AS staged,
       coalesce(sum(e.processed), 0)::bigint AS processed, coalesce(sum(e.errors), 0)::bigint AS errors,
       asked.requests, asked.retries,
       asked.median AS median_latency_ms, asked.slowest AS slowest_latency_ms
  FROM (SELECT * FROM {schema}.sync_runs ORDER BY started_at > clock_timestamp(), started_at DESC, run_id LIMIT 10) AS r
  LEFT JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id
 CROSS JOIN LATERAL (
       SELECT count(*) AS requests, coalesce(sum(q.attempts), 0)::bigint - count(*) AS retries,
              percentile_disc(0.5) WITHIN GROUP (ORDER BY q.latency_ms) AS median, max(q.latency_ms) AS slowest
         FROM {schema}.sync_run_requests q
        WHERE q.run_id = r.run_id) AS asked
 GROUP BY r.run_id, r.command, r.mode, r.status, r.reason, r.started_at, r.finished_at, asked.requests, asked.retries, asked.median, asked.slowest
 ORDER BY r.started_at > clock_timestamp(), r.started_at DESC, r.run_id
