-- A later success makes up for a bad run when it was about all that the bad one was about; one that broke off before
-- it noted any entity was about everything. What is dated later than now ($2), by a wrong clock, hides nothing.
WITH ended AS (
    SELECT r.run_id, r.status, r.started_at, r.reason,
           (SELECT count(*) FROM {schema}.sync_run_entities e WHERE e.run_id = r.run_id) AS entities
      FROM {schema}.sync_runs r
     WHERE r.command IN ('sync', 'fetch') AND r.status IN ('success', 'partial', 'failed')
       AND r.started_at <= $2
       AND r.started_at >= coalesce((SELECT g.started_at FROM {schema}.sync_runs g
                                      WHERE g.command = 'sync' AND g.status = 'success' AND g.started_at <= $2
                                        AND (SELECT count(*) FROM {schema}.sync_run_entities e
                                              WHERE e.run_id = g.run_id) >= $1
                                      ORDER BY g.started_at DESC LIMIT 1), '-infinity'))
SELECT bad.status, bad.run_id, bad.started_at, bad.reason
  FROM ended AS bad
 WHERE bad.status <> 'success'
   AND NOT EXISTS (SELECT 1 FROM ended AS good
                    WHERE good.status = 'success' AND good.started_at > bad.started_at
                      AND (good.entities >= $1
                           OR (bad.entities > 0
                               AND NOT EXISTS (SELECT entity FROM {schema}.sync_run_entities
                                                WHERE run_id = bad.run_id
                                               EXCEPT
                                               SELECT entity FROM {schema}.sync_run_entities
                                                WHERE run_id = good.run_id))))
 ORDER BY bad.started_at DESC
 LIMIT 1
