-- Runs, the newest first, after a position ($3, $4), in a state ($1) and of a command ($2), if given: what their entities
-- sum up to, and their requests. $5 at most.
SELECT r.run_id AS id, r.run_id::text AS run_id, r.command, r.mode, r.trigger, r.status, left(r.reason, 4000) AS reason, r.started_at,
       (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint AS duration_ms,
       did.fetched, did.staged, did.processed, did.errors,
       asked.requests, asked.retries, asked.median AS median_latency_ms, asked.slowest AS slowest_latency_ms
  FROM (SELECT *
          FROM {schema}.sync_runs
         WHERE ($1::text IS NULL OR status = $1)
           AND ($2::text IS NULL OR command = $2)
           AND ($3::timestamptz IS NULL OR (started_at, run_id) < ($3, $4::uuid))
         ORDER BY started_at DESC, run_id DESC
         LIMIT $5) AS r
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(e.fetched), 0)::bigint AS fetched, coalesce(sum(e.staged), 0)::bigint AS staged,
              coalesce(sum(e.processed), 0)::bigint AS processed, coalesce(sum(e.errors), 0)::bigint AS errors
         FROM {schema}.sync_run_entities e
        WHERE e.run_id = r.run_id) AS did
 CROSS JOIN LATERAL (
       SELECT count(*) AS requests, coalesce(sum(q.attempts), 0)::bigint - count(*) AS retries,
              percentile_disc(0.5) WITHIN GROUP (ORDER BY q.latency_ms) AS median, max(q.latency_ms) AS slowest
         FROM {schema}.sync_run_requests q
        WHERE q.run_id = r.run_id) AS asked
 ORDER BY r.started_at DESC, r.run_id DESC
