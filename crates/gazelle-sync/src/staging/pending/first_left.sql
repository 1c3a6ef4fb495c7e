-- The first pending version that another run than $1 staged, or that is dated before the run.
SELECT s.id
  FROM {schema}.{staging_table} s
 WHERE s.sync_status = 'pending'
   AND s.withdrawn_by IS NULL
   AND (s.run_id IS DISTINCT FROM $1 OR s.id < $1)
 ORDER BY s.id
 LIMIT 1
