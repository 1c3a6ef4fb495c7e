-- Updates rows of production that differ from their rebuilt copies. No row is inserted here, so that a user's
-- required column does not refuse a change of ours.
UPDATE {schema}.{table} AS held
   SET {assignments}
  FROM {prefix}{table} AS rebuilt
 WHERE {key_match}
   AND ({held_content}) IS DISTINCT FROM ({rebuilt_content})
   AND {is_meant}
