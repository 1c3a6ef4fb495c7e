-- The start of the last run up to $1 that sent requests to Gazelle, if Gazelle refused its credentials.
SELECT last.started_at
  FROM (SELECT r.run_id, r.started_at
          FROM {schema}.sync_runs r
         WHERE r.status <> 'running' AND r.started_at <= $1
           AND EXISTS (SELECT 1 FROM {schema}.sync_run_requests q WHERE q.run_id = r.run_id
                                                                   AND q.outcome IN ('ok', 'unauthorized'))
         ORDER BY r.started_at DESC
         LIMIT 1) AS last
 WHERE EXISTS (SELECT 1 FROM {schema}.sync_run_requests q
                WHERE q.run_id = last.run_id AND q.outcome = 'unauthorized')
