-- The records with rows that are live in production and deleted in the rebuild.
SELECT DISTINCT held.{record}
  FROM {schema}.{table} held
  JOIN {prefix}{table} rebuilt ON {key_match}
 WHERE held.deleted_at IS NULL
   AND rebuilt.deleted_at IS NOT NULL
   AND held.{record} IS NOT NULL
   AND {is_meant}
