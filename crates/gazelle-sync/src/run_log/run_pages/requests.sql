-- The first requests of a run ($1), $2 at most; without their variables, which may name persons.
SELECT sequence, operation, attempts, http_status, outcome, latency_ms, bytes, started_at
  FROM {schema}.sync_run_requests
 WHERE run_id = $1
 ORDER BY sequence
 LIMIT $2
