-- The number of pending versions, and when the oldest of them was staged.
SELECT count(*) AS size, min(s.created_at) AS oldest
  FROM {schema}.{staging_table} s
 WHERE s.sync_status = 'pending'
   AND s.withdrawn_by IS NULL
