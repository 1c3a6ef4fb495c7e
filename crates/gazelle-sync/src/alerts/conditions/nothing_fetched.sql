-- The last run up to $1 with a complete walk, if it fetched no record of an entity that production holds. Only walks
-- of the whole entity are judged singly, since a window may be empty; windows count if all walks of the run fetched
-- nothing.
WITH run AS (
    SELECT r.run_id, r.started_at
      FROM {schema}.sync_runs r
     WHERE r.command IN ('sync', 'fetch') AND r.status IN ('success', 'partial', 'failed') AND r.started_at <= $1
       AND EXISTS (SELECT 1 FROM {schema}.sync_run_entities e WHERE e.run_id = r.run_id AND e.walk_complete)
     ORDER BY r.started_at DESC
     LIMIT 1),
walk AS (
    SELECT e.entity, e.fetched, coalesce(e.in_production, 0) AS held, e.walk = 'whole' AS whole, e.walk_complete
      FROM {schema}.sync_run_entities e
      JOIN run ON run.run_id = e.run_id
     WHERE e.walk IS NOT NULL)
SELECT run.started_at, string_agg(walk.entity, ', ' ORDER BY walk.entity) AS entities
  FROM run CROSS JOIN walk
 WHERE walk.fetched = 0
   AND ((walk.walk_complete AND walk.whole AND walk.held > 0)
        OR (SELECT bool_and(every.fetched = 0) FROM walk AS every))
 GROUP BY run.started_at
