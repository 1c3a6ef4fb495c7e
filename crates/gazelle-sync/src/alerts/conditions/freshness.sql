-- The time since which all the entities $1 are good; when the tables were created; when the current run began; and how
-- many runs since the good ones ended before their end. An entity is as good as its last run whose walk was complete or settled and that compared production. Entities that no
-- run knows do not count, nor do runs dated after $2.
WITH good AS (
SELECT (SELECT CASE WHEN count(*) = count(latest.finished_at) THEN min(latest.finished_at) END
          FROM unnest($1::text[]) AS entity (name)
          LEFT JOIN LATERAL (
               SELECT r.finished_at
                 FROM {schema}.sync_runs r
                 JOIN {schema}.sync_run_entities e ON e.run_id = r.run_id AND e.entity = entity.name
                WHERE r.command = 'sync'
                  AND (r.status IN ('success', 'partial') OR r.status = 'failed' AND e.in_production IS NOT NULL)
                  AND greatest(r.started_at, r.finished_at) <= $2
                  AND (e.walk_complete OR e.walk_settled)
                ORDER BY r.started_at DESC
                LIMIT 1) AS latest ON true
         WHERE EXISTS (SELECT 1 FROM {schema}.sync_run_entities e WHERE e.entity = entity.name)) AS last_good)
SELECT good.last_good,
       (SELECT min(applied_at) FROM {schema}.sync_migrations) AS made,
       (SELECT max(started_at) FROM {schema}.sync_runs WHERE status = 'running' AND started_at <= $2) AS running_since,
       (SELECT count(*) FROM {schema}.sync_runs
         WHERE command = 'sync' AND status = 'interrupted'
           AND started_at > coalesce(good.last_good, '-infinity') AND started_at <= $2) AS interrupted
  FROM good
