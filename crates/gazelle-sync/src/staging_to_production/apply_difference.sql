INSERT INTO {schema}.{table} ({all})
SELECT {rebuilt_all}
  FROM {schema}.{prefix}{table} rebuilt
  LEFT JOIN {schema}.{table} held ON {key_match}
 WHERE held.{first_key} IS NULL
    OR ({held_content}) IS DISTINCT FROM ({rebuilt_content})
ON CONFLICT ({key}) DO UPDATE
   SET {assignments}
