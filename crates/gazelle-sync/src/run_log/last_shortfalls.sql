-- By how many records the last $3 walks of the entity $1 were short of the API's count; $2 chooses whole walks or
-- windows. Failed runs are included, since another entity may have failed.
SELECT e.short_by
  FROM {schema}.sync_runs r
  JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = $1
 WHERE e.walk_complete IS NOT NULL
   AND (e.walk = 'whole') = $2
   AND r.status IN ('success', 'partial', 'failed')
   AND r.started_at <= clock_timestamp()
 ORDER BY r.started_at DESC
 LIMIT $3
