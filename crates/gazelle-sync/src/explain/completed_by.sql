-- Requests of the run $1, after its request $2, in which one of the operations $3 requested one of the records $4.
SELECT run_id, sequence, operation, variables, attempts, http_status, outcome, latency_ms, bytes, started_at,
       NULL::bigint AS page
  FROM {schema}.sync_run_requests
 WHERE run_id = $1 AND sequence > $2 AND operation = ANY ($3::text[]) AND variables ->> 'id' = ANY ($4::text[])
 ORDER BY sequence
 LIMIT 100
