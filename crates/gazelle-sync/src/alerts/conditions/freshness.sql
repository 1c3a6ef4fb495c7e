-- Since when all entities are good (each by its last walk that was complete, or as complete as its list gets, whatever became
-- of the run, as long as it came to compare production: one that was stopped before may have left versions pending), when the
-- tables were made, and since when a run is under way; an entity that no run has known yet is new, and does not count;
-- without runs that a wrong clock has dated later than now ($2).
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
         WHERE EXISTS (SELECT 1 FROM {schema}.sync_run_entities e WHERE e.entity = entity.name)) AS last_good,
       (SELECT min(applied_at) FROM {schema}.sync_migrations) AS made,
       (SELECT max(started_at) FROM {schema}.sync_runs WHERE status = 'running' AND started_at <= $2) AS running_since
