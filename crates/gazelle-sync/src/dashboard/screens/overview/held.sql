-- What the last run that counted an entity held of it, of the last 200 runs.
SELECT DISTINCT ON (e.entity) e.entity, e.in_production, e.in_staging
  FROM (SELECT run_id, started_at FROM {schema}.sync_runs ORDER BY started_at DESC LIMIT 200) AS r
  JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id
 WHERE e.in_production IS NOT NULL
 ORDER BY e.entity, r.started_at DESC
