-- Of the records $1, those with a pending version.
SELECT DISTINCT s.external_id
  FROM {schema}.{staging_table} s
 WHERE s.external_id = ANY ($1::text[])
   AND s.sync_status = 'pending'
   AND s.withdrawn_by IS NULL
