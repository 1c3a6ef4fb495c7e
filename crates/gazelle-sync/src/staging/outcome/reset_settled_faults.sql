-- The faulty versions that a newer version had superseded.
SELECT id
  FROM {schema}.{staging_table}
 WHERE sync_status = 'processed'
   AND error_code IS NOT NULL
   AND operation = 'upsert'
   AND withdrawn_by IS NULL
