-- What is usual of each entity: how many of the good runs since $1, of the last 3,000, read it, and the numbers of new versions that
-- 5 and 95 of 100 of them did not exceed. OFFSET 0 keeps the entities of a run a lookup by its id.
SELECT e.entity, count(*) AS runs,
       percentile_disc(0.05) WITHIN GROUP (ORDER BY e.staged) AS low,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY e.staged) AS high
  FROM (SELECT run_id
          FROM {schema}.sync_runs
         WHERE started_at >= $1
           AND status IN ('success', 'partial')
         ORDER BY started_at DESC
         LIMIT 3000) AS r
 CROSS JOIN LATERAL (
       SELECT c.entity, c.staged
         FROM {schema}.sync_run_entities c
        WHERE c.run_id = r.run_id
          AND c.walk IS NOT NULL
       OFFSET 0) AS e
 GROUP BY e.entity
