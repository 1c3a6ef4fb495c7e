-- A run counts for the schedule when all its walks, of every entity, were complete.
SELECT max(r.started_at), max(r.started_at) FILTER (WHERE r.mode = 'full'), max(r.finished_at)
  FROM {schema}.sync_runs r
 WHERE r.run_id IN (
           (SELECT g.run_id FROM {schema}.sync_runs g
             WHERE g.command = 'sync' AND g.status IN ('success', 'partial') AND g.started_at <= $1
               AND (SELECT count(*) FROM {schema}.sync_run_entities e
                     WHERE e.run_id = g.run_id AND e.walk_complete) >= $2
             ORDER BY g.started_at DESC LIMIT 1)
           UNION ALL
           (SELECT g.run_id FROM {schema}.sync_runs g
             WHERE g.command = 'sync' AND g.status IN ('success', 'partial') AND g.started_at <= $1
               AND g.mode = 'full'
               AND (SELECT count(*) FROM {schema}.sync_run_entities e
                     WHERE e.run_id = g.run_id AND e.walk_complete) >= $2
             ORDER BY g.started_at DESC LIMIT 1))
