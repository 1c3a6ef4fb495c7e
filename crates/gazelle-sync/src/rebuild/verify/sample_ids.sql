-- A random sample of $2 live records of a table. The same seed $1 gives the same sample.
SELECT external_id
  FROM {schema}.{table}
 WHERE deleted_at IS NULL
 ORDER BY md5(external_id || $1)
 LIMIT $2
