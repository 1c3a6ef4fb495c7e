-- The requests of a run ($1) after the number $3, $2 at most; without their variables, which may name persons.
SELECT sequence, operation, attempts, http_status, outcome, latency_ms, bytes, started_at
  FROM {schema}.sync_run_requests
 WHERE run_id = $1
   AND sequence > $3
 ORDER BY sequence
 LIMIT $2
