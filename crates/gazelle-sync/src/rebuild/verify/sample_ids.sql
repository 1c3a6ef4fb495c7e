-- $2 records of a table, at random: the same seed $1 chooses the same ones.
SELECT external_id
  FROM {schema}.{table}
 WHERE deleted_at IS NULL
 ORDER BY md5(external_id || $1)
 LIMIT $2
