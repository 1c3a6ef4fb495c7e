-- The records to which rows belong that differ between production and the rebuild.
SELECT DISTINCT record.id
  FROM {schema}.{table} held
  FULL JOIN {prefix}{table} rebuilt ON {key_match}
 CROSS JOIN LATERAL (VALUES (held.{record}), (rebuilt.{record})) AS record (id)
 WHERE record.id IS NOT NULL
   AND (held.{first_key} IS NULL
        OR rebuilt.{first_key} IS NULL
        OR ({held_content}) IS DISTINCT FROM ({rebuilt_content}))
   AND {is_meant}
 ORDER BY 1
