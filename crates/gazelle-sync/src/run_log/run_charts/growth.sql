-- What the runs of the days that begin at the instants $1 (in their order; the last is the end) staged and dropped of each entity,
-- and of how many runs that is: of the newest $2. Without an entity, only that there was a run. OFFSET 0 keeps the entities of a
-- run a lookup by its id.
WITH r AS MATERIALIZED (
     SELECT run_id, width_bucket(started_at, $1::timestamptz[]) AS day
       FROM {schema}.sync_runs
      WHERE started_at >= ($1::timestamptz[])[1]
      ORDER BY started_at DESC
      LIMIT $2)
SELECT r.day, e.entity, coalesce(sum(e.staged), 0)::bigint AS staged, coalesce(sum(e.dropped), 0)::bigint AS dropped,
       (SELECT count(*) FROM r) AS runs
  FROM r
  LEFT JOIN LATERAL (
       SELECT c.entity, c.staged, c.dropped
         FROM {schema}.sync_run_entities c
        WHERE c.run_id = r.run_id
       OFFSET 0) AS e ON true
 GROUP BY r.day, e.entity
