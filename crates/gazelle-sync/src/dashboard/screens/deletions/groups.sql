-- The deletions that await a decision, by run and entity, of the run $1 if it is given: how many, since when, and how many
-- records production held when that run had counted them.
SELECT d.run_id, d.entity, count(*) AS records, min(d.found_at) AS found_at, r.started_at, e.in_production
  FROM {schema}.sync_deletions d
  JOIN {schema}.sync_runs r ON r.run_id = d.run_id
  LEFT JOIN {schema}.sync_run_entities e ON e.run_id = d.run_id AND e.entity = d.entity
 WHERE d.state = 'withheld' AND ($1::uuid IS NULL OR d.run_id = $1)
 GROUP BY d.run_id, d.entity, r.started_at, e.in_production
 ORDER BY r.started_at DESC, d.run_id, d.entity
 LIMIT 50
