-- As one array: a row takes many times the memory of an id.
SELECT array_agg(s.id ORDER BY s.fetched_at, s.id)
  FROM {schema}.{staging_table} s
 WHERE s.fetched_at <= $1
   AND {only}
