SELECT operation = 'upsert'
  FROM {schema}.{staging_table}
 WHERE external_id = $1
 ORDER BY fetched_at DESC
 LIMIT 1
