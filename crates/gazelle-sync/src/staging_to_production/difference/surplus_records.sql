-- The records that rows belong to which production holds and the rebuild does not give.
SELECT DISTINCT held.{record}
  FROM {schema}.{table} held
  LEFT JOIN {prefix}{table} rebuilt ON {key_match}
 WHERE rebuilt.{first_key} IS NULL
   AND held.{record} IS NOT NULL
   AND {is_meant}
