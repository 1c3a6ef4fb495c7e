INSERT INTO {schema}.{table} ({all})
SELECT {rebuilt_all}
  FROM {schema}.{prefix}{table} rebuilt
  LEFT JOIN {schema}.{table} held ON {key_match}
 WHERE (held.{first_key} IS NULL OR ({held_content}) IS DISTINCT FROM ({rebuilt_content}))
   AND ($1::text[] IS NULL OR held.{record} = ANY ($1) OR rebuilt.{record} = ANY ($1))
ON CONFLICT ({key}) DO UPDATE
   SET {assignments}
RETURNING 1
