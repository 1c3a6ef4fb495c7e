-- The records with a version among the records $1, of the run $2, fetched from $3 and before $4; a NULL parameter
-- does not restrict.
SELECT DISTINCT s.external_id
  FROM {schema}.{staging_table} s
 WHERE ($1::text[] IS NULL OR s.external_id = ANY ($1))
   AND ($2::uuid IS NULL OR s.run_id = $2)
   AND ($3::timestamptz IS NULL OR s.fetched_at >= $3)
   AND ($4::timestamptz IS NULL OR s.fetched_at < $4)
 ORDER BY 1
