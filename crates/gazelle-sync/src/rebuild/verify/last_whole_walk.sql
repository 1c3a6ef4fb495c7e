-- When the last complete walk of all of an entity ($1) started.
SELECT max(r.started_at)
  FROM {schema}.sync_run_entities e
  JOIN {schema}.sync_runs r USING (run_id)
 WHERE e.entity = $1 AND r.started_at <= clock_timestamp() AND e.walk_complete AND e.walk = 'whole'
