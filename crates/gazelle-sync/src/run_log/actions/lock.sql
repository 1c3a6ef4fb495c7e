-- Locks the action $1, and reads how far it came, with the outcome of the run that it began.
SELECT a.outcome, a.times_taken, a.applied_at IS NOT NULL AS is_applied, a.run_id,
       (SELECT r.status FROM {schema}.sync_runs r WHERE r.run_id = a.run_id) AS run_status,
       (SELECT r.reason FROM {schema}.sync_runs r WHERE r.run_id = a.run_id) AS run_reason
  FROM {schema}.sync_actions a
 WHERE a.id = $1
   FOR UPDATE OF a
