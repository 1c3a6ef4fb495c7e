-- The rows that refresh.sql writes.
SELECT {key_text}
  FROM {schema}.{from} c
  JOIN {schema}.{table} a ON a.{by} = c.external_id
 WHERE c.external_id = ANY ($1::text[])
   AND ({ours}) IS DISTINCT FROM ({theirs})
