-- Of the versions $1, those that are not processed.
SELECT s.id
  FROM {schema}.{staging_table} s
 WHERE s.id = ANY ($1::uuid[])
   AND s.sync_status <> 'processed'
