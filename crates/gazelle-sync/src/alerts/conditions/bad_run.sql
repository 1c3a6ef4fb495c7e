-- The last failed or partial run that no later success has made up for, or the last interrupted one if the last $3 runs
-- were; and how many in a row were interrupted last. A success makes up for it if it covered every
-- entity of the bad run, or all known entities if the bad run recorded none. $1 are all entities, $2 is now. The time
-- of a run that a wrong clock dated after $2 is taken from the next run by the fencing token.
WITH known AS (
    -- How many entities a run about everything is about: one that no run has known yet is new.
    SELECT count(*) AS entities
      FROM unnest($1::text[]) AS entity (name)
     WHERE EXISTS (SELECT 1 FROM {schema}.sync_run_entities e WHERE e.entity = entity.name)
), interrupted AS (
    SELECT count(*) AS runs
      FROM {schema}.sync_runs r
     WHERE r.command IN ('sync', 'fetch') AND r.status = 'interrupted' AND r.started_at <= $2
       AND r.started_at > coalesce((SELECT max(ended.started_at) FROM {schema}.sync_runs ended
                                     WHERE ended.command IN ('sync', 'fetch') AND ended.started_at <= $2
                                       AND ended.status IN ('success', 'partial', 'failed')), '-infinity')
), dated AS (
    SELECT r.run_id, r.command, r.status, r.started_at, r.reason, coalesce(r.fencing_token, 0) AS token,
           CASE WHEN r.started_at <= $2 THEN r.started_at
                ELSE coalesce((SELECT min(next.started_at) FROM {schema}.sync_runs next
                                WHERE next.fencing_token > r.fencing_token AND next.started_at <= $2),
                              $2) - interval '1 microsecond' END AS at,
           (SELECT count(*) FROM {schema}.sync_run_entities e WHERE e.run_id = r.run_id) AS entities
      FROM {schema}.sync_runs r
     WHERE r.command IN ('sync', 'fetch')
       AND (r.status IN ('success', 'partial', 'failed')
            OR r.status = 'interrupted' AND (SELECT runs FROM interrupted) >= $3)
       AND (r.started_at <= $2 OR r.fencing_token IS NOT NULL)
       AND r.started_at >= coalesce((SELECT g.started_at FROM {schema}.sync_runs g
                                      WHERE g.command = 'sync' AND g.status = 'success' AND g.started_at <= $2
                                        AND (SELECT count(*) FROM {schema}.sync_run_entities e
                                              WHERE e.run_id = g.run_id) >= (SELECT entities FROM known)
                                      ORDER BY g.started_at DESC LIMIT 1), '-infinity')
)
SELECT bad.status, bad.run_id, bad.started_at, bad.reason, (SELECT runs FROM interrupted) AS interrupted
  FROM dated AS bad
 WHERE bad.status <> 'success'
   AND NOT EXISTS (SELECT 1 FROM dated AS good
                    WHERE good.status = 'success' AND (good.at, good.token) > (bad.at, bad.token)
                      AND (good.entities >= (SELECT entities FROM known)
                           OR (bad.entities > 0
                               AND NOT EXISTS (SELECT entity FROM {schema}.sync_run_entities
                                                WHERE run_id = bad.run_id
                                               EXCEPT
                                               SELECT entity FROM {schema}.sync_run_entities
                                                WHERE run_id = good.run_id))))
 ORDER BY bad.at DESC, bad.token DESC
 LIMIT 1
