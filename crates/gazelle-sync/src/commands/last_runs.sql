SELECT r.run_id::text, r.command, r.mode, r.status, r.reason, r.started_at,
       (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint,
       coalesce(sum(e.fetched), 0)::bigint, coalesce(sum(e.staged), 0)::bigint,
       coalesce(sum(e.processed), 0)::bigint, coalesce(sum(e.errors), 0)::bigint
  FROM {schema}.sync_runs r
  LEFT JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id
 GROUP BY r.run_id
 ORDER BY r.started_at DESC
 LIMIT 10
