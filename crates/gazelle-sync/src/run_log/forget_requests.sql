-- The requests of the runs $1, but for those that a version still held names ($2 and $3), and the pages before it that
-- its number of page is counted from.
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
