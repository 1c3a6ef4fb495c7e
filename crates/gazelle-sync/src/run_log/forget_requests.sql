-- Deletes the requests of the runs $1. Kept are those that a stored version refers to ($2 and $3, run and number) and
-- the earlier pages of the same window, from which the number of its page is counted.
DELETE FROM {schema}.sync_run_requests held
 WHERE held.run_id = ANY ($1::uuid[])
   AND NOT EXISTS (
       SELECT 1
         FROM unnest($2::uuid[], $3::int[]) AS named (run_id, sequence)
         JOIN {schema}.sync_run_requests n ON n.run_id = named.run_id AND n.sequence = named.sequence
        WHERE n.run_id = held.run_id
          AND n.operation = held.operation
          AND n.variables - 'after' = held.variables - 'after'
          AND held.sequence <= n.sequence){and_not_held}
