-- How many rows of another table refer to rows of production that the rebuild does not contain.
SELECT count(*)
  FROM {schema}.{table} held
  LEFT JOIN {prefix}{table} rebuilt ON {key_match}
  JOIN {dependent} dependent ON {refers}
 WHERE rebuilt.{first_key} IS NULL
   AND {is_meant}
