-- The start of the last run with a complete walk of the whole entity $1.
SELECT max(r.started_at)
  FROM {schema}.sync_run_entities e
  JOIN {schema}.sync_runs r USING (run_id)
 WHERE e.entity = $1 AND r.started_at <= clock_timestamp() AND e.walk_complete AND e.walk = 'whole'
