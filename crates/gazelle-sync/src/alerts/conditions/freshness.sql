-- When the last run ended whose walks of all entities were complete, when the tables were made, and since when a run
-- is under way.
SELECT (SELECT r.finished_at FROM {schema}.sync_runs r
         WHERE r.command = 'sync' AND r.status IN ('success', 'partial')
           AND (SELECT count(*) FROM {schema}.sync_run_entities e
                 WHERE e.run_id = r.run_id AND e.walk_complete) >= $1
         ORDER BY r.started_at DESC LIMIT 1),
       (SELECT min(applied_at) FROM {schema}.sync_migrations),
       (SELECT max(started_at) FROM {schema}.sync_runs WHERE status = 'running')
