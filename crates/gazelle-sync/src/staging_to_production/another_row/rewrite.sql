-- Writes a row of another record than $1 as it is: the first one after $2 others.
UPDATE {schema}.{table} AS held
   SET {columns}
  FROM (SELECT {key} FROM {schema}.{table} WHERE {record} <> $1 AND deleted_at IS NULL
         ORDER BY {key} OFFSET $2 LIMIT 1) AS other
 WHERE {same_key}
RETURNING 1
