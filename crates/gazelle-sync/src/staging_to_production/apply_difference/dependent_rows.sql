SELECT count(*)
  FROM {schema}.{table} held
  LEFT JOIN {prefix}{table} rebuilt ON {key_match}
  JOIN {dependent} dependent ON {refers}
 WHERE rebuilt.{first_key} IS NULL
   AND {is_meant}
