-- The runs that started within a time ($1 to $2), the oldest first. As many as a chart can show.
SELECT run_id::text AS run_id, status, started_at,
       (extract(epoch FROM finished_at - started_at) * 1000)::bigint AS duration_ms
  FROM {schema}.sync_runs
 WHERE started_at >= $1 AND started_at <= $2
 ORDER BY started_at, run_id
 LIMIT 1000
