-- The records with rows in production that the rebuild does not contain.
SELECT DISTINCT held.{record}
  FROM {schema}.{table} held
  LEFT JOIN {prefix}{table} rebuilt ON {key_match}
 WHERE rebuilt.{first_key} IS NULL
   AND held.{record} IS NOT NULL
   AND {is_meant}
