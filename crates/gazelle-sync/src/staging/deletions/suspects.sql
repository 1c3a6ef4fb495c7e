-- The next $2 ids after $1 of live rows within the days of the walk.
SELECT t.external_id
  FROM {schema}.{table} t
 WHERE t.deleted_at IS NULL
   AND t.external_id > $1
   {days}
 ORDER BY t.external_id
 LIMIT $2
