-- The rows that are missing, changed or surplus in production, compared with the rebuild: the number of each kind,
-- with the first $3 rows of it.
WITH compared AS (
    SELECT CASE WHEN held.{first_key} IS NULL THEN 'missing'
                WHEN rebuilt.{first_key} IS NULL THEN 'surplus'
                ELSE 'changed' END AS kind,
           concat_ws(' ', coalesce(held.{first_key}, rebuilt.{first_key})) AS key,
           to_jsonb(held) AS held, to_jsonb(rebuilt) AS rebuilt
      FROM {schema}.{table} held
      FULL JOIN {prefix}{table} rebuilt ON {key_match}
     WHERE (held.{first_key} IS NULL
            OR rebuilt.{first_key} IS NULL
            OR ({held_content}) IS DISTINCT FROM ({rebuilt_content}))
       AND {is_meant}
), numbered AS (
    SELECT compared.*, count(*) OVER (PARTITION BY kind) AS total,
           row_number() OVER (PARTITION BY kind ORDER BY key) AS position
      FROM compared
)
SELECT kind, total, key, held, rebuilt
  FROM numbered
 WHERE position <= greatest($3::bigint, 1)
 ORDER BY kind, position
