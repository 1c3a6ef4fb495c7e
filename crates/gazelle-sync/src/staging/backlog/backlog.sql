-- The number of pending versions, and when the oldest of them was staged.
SELECT count(*), min(s.created_at)
  FROM {schema}.{staging_table} s
 WHERE s.sync_status = 'pending'
   AND s.withdrawn_by IS NULL
