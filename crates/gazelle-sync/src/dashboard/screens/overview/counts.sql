-- What the last run that counted an entity held of it, of the last 200 runs: a row for each entity, or one without. On each row
-- also the cases that wait, the oldest of them, and when the first run started.
SELECT c.cases, c.oldest_case, c.first_run, held.entity, held.in_production, held.in_staging
  FROM (SELECT (SELECT count(*) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS cases,
               (SELECT min(first_seen_at) FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting')) AS oldest_case,
               (SELECT min(started_at) FROM {schema}.sync_runs) AS first_run) AS c
  LEFT JOIN (SELECT DISTINCT ON (e.entity) e.entity, e.in_production, e.in_staging
               FROM (SELECT run_id, started_at FROM {schema}.sync_runs ORDER BY started_at DESC LIMIT 200) AS r
               JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id
              WHERE e.in_production IS NOT NULL
              ORDER BY e.entity, r.started_at DESC) AS held ON true
