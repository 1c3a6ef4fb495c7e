-- Copies outcome, reason and end of each finished run to the requests that it took.
UPDATE {schema}.sync_wanted_runs AS w
   SET outcome = r.status, reason = r.reason, ended_at = r.finished_at
  FROM {schema}.sync_runs AS r
 WHERE r.run_id = w.run_id
   AND w.outcome IS NULL
   AND r.status IN ('success', 'partial', 'failed')
