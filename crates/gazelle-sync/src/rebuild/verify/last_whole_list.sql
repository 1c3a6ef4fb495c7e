-- The last walk of the whole entity $1 that was complete or settled: by how much the API's count exceeded the number
-- of distinct ids seen, and whether the walk was complete.
SELECT e.source_total - e.seen AS counted_more, e.walk_complete
  FROM {schema}.sync_run_entities e
  JOIN {schema}.sync_runs r USING (run_id)
 WHERE e.entity = $1
   AND e.walk = 'whole'
   AND (e.walk_complete OR e.walk_settled)
   AND e.source_total IS NOT NULL
   AND r.started_at <= clock_timestamp()
 ORDER BY r.started_at DESC
 LIMIT 1
