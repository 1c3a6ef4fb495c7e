-- Whether the newest version of the record $1, withdrawn ones included, says that the record exists.
SELECT operation = 'upsert'
  FROM {schema}.{staging_table}
 WHERE external_id = $1
 ORDER BY fetched_at DESC
 LIMIT 1
