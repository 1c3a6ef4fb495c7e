-- The keys of the rows that are missing, changed or surplus in production, compared with the rebuild: the first $3 of them.
SELECT CASE WHEN held.{first_key} IS NULL THEN 'missing'
            WHEN rebuilt.{first_key} IS NULL THEN 'surplus'
            ELSE 'changed' END AS kind,
       concat_ws(' ', coalesce(held.{first_key}, rebuilt.{first_key})) AS key
  FROM {schema}.{table} held
  FULL JOIN {prefix}{table} rebuilt ON {key_match}
 WHERE (held.{first_key} IS NULL
        OR rebuilt.{first_key} IS NULL
        OR ({held_content}) IS DISTINCT FROM ({rebuilt_content}))
   AND {is_meant}
 ORDER BY key, kind
 LIMIT $3
