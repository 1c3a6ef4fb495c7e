-- Of runs that failed too: for another entity, or by a walk that broke off and has no such number.
SELECT e.short_by
  FROM {schema}.sync_runs r
  JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = $1
 WHERE e.walk_complete IS NOT NULL
   AND (e.walk = 'whole') = $2
   AND r.status IN ('success', 'partial', 'failed')
   AND r.started_at <= clock_timestamp()
 ORDER BY r.started_at DESC
 LIMIT $3
