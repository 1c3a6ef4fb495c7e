UPDATE {schema}.{staging_table}
   SET sync_status = 'pending'
 WHERE sync_status = 'processed'
   AND error_code IS NOT NULL
   AND operation = 'upsert'
   AND withdrawn_by IS NULL
