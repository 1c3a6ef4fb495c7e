-- The processed versions of the record $1 that are not withdrawn, oldest first.
SELECT id
  FROM {schema}.{staging_table}
 WHERE external_id = $1 AND withdrawn_by IS NULL AND sync_status = 'processed'
 ORDER BY fetched_at
