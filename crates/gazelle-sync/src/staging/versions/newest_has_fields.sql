-- Whether the newest whole version of the record $1 that is not withdrawn contains all the fields $2.
SELECT s.raw_data ?& $2::text[]
  FROM {schema}.{staging_table} s
 WHERE s.external_id = $1
   AND s.operation = 'upsert'
   AND s.withdrawn_by IS NULL
   AND s.source_fault IS NULL
 ORDER BY s.fetched_at DESC
 LIMIT 1
