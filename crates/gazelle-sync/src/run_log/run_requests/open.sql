-- Requests for a run without an outcome, oldest first, each with the status of the run that took it, if any.
SELECT w.id, w.mode, w.entities, w.times_taken, r.status
  FROM {schema}.sync_wanted_runs w
  LEFT JOIN {schema}.sync_runs r ON r.run_id = w.run_id
 WHERE w.outcome IS NULL
 ORDER BY w.requested_at, w.id
 LIMIT 200
