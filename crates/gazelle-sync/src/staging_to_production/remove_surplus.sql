DELETE FROM {schema}.{table} held
 WHERE NOT EXISTS (SELECT 1 FROM {schema}.{prefix}{table} rebuilt WHERE {key_match})
   AND ($1::text[] IS NULL OR held.{record} = ANY ($1))
