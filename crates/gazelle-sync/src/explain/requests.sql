-- The requests with the run ids $1 and the numbers $2, each with the number of its page. The pages of a window have
-- the same variables but for the cursor, and each walk of a window begins without a cursor.
SELECT r.run_id, r.sequence, r.operation, r.variables, r.attempts, r.http_status, r.outcome, r.latency_ms, r.bytes,
       r.started_at,
       CASE WHEN r.variables ? 'after' THEN (
           SELECT count(*) FILTER (WHERE p.sequence >= begun.sequence)
             FROM {schema}.sync_run_requests p,
                  (SELECT max(f.sequence) AS sequence
                     FROM {schema}.sync_run_requests f
                    WHERE f.run_id = r.run_id AND f.operation = r.operation AND f.sequence <= r.sequence
                      AND f.variables - 'after' = r.variables - 'after' AND f.variables ->> 'after' IS NULL) AS begun
            WHERE p.run_id = r.run_id AND p.operation = r.operation AND p.sequence <= r.sequence
              AND p.variables - 'after' = r.variables - 'after') END AS page
  FROM unnest($1::uuid[], $2::int[]) AS wanted (run_id, sequence)
  JOIN {schema}.sync_run_requests r ON r.run_id = wanted.run_id AND r.sequence = wanted.sequence
