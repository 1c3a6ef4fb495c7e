-- The last twenty requests for a run, newest first.
SELECT id, mode, entities, requested_by, requested_at, taken_at, run_id, outcome, left(reason, 4000) AS reason
  FROM {schema}.sync_wanted_runs
 ORDER BY requested_at DESC, id
 LIMIT 20
