-- Inserts requests of the run $1; $2 to $10 are the columns.
INSERT INTO {schema}.sync_run_requests
       (run_id, sequence, operation, variables, attempts, http_status, outcome, latency_ms, bytes, started_at)
SELECT $1, *
  FROM unnest($2::int[], $3::text[], $4::jsonb[], $5::int[], $6::int[], $7::text[], $8::bigint[], $9::bigint[],
              $10::timestamptz[])
RETURNING 1
