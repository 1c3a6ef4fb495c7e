-- The last twenty runs, newest first. Runs dated in the future come last.
SELECT run_id, command, mode, trigger, status, left(reason, 4000) AS reason, started_at, finished_at
  FROM {schema}.sync_runs
 ORDER BY started_at > clock_timestamp(), started_at DESC, run_id
 LIMIT 20
