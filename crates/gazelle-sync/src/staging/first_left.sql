-- As text, so that the planner reads the table once instead of walking the key's index through every row.
SELECT min(id::text)::uuid
  FROM {schema}.{staging_table}
 WHERE sync_status = 'pending'
   AND withdrawn_by IS NULL
   AND run_id IS DISTINCT FROM $1
