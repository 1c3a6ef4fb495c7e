-- How many requests that were answered were made in each of the hours that begin at the instants $1 (in their order; the last is the end), by the
-- place of their latency among $2: it is at most the one there. Of the runs since the first hour, at most $4, and of their
-- requests at most $3. OFFSET 0 keeps the requests of a run a lookup by its id: no index has their time.
SELECT width_bucket(asked.started_at, $1::timestamptz[]) AS hour, width_bucket(asked.latency_ms - 1, $2::bigint[]) AS step,
       count(*) AS requests
  FROM (SELECT q.started_at, q.latency_ms
          FROM (SELECT run_id
                  FROM {schema}.sync_runs
                 WHERE started_at >= ($1::timestamptz[])[1]
                 ORDER BY started_at DESC
                 LIMIT $4) AS r
         CROSS JOIN LATERAL (
               SELECT s.started_at, s.latency_ms
                 FROM {schema}.sync_run_requests s
                WHERE s.run_id = r.run_id
                  AND s.attempts > 0
                   AND s.outcome = 'ok'
               OFFSET 0) AS q
         LIMIT $3) AS asked
 GROUP BY 1, 2
