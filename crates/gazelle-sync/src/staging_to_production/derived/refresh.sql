-- Columns that repeat those of another record's row follow them: whom a technician meets, and where, is the client's
-- default contact and its visit address.
UPDATE {schema}.{table} a
   SET {assignments}
  FROM {schema}.{from} c
 WHERE c.external_id = ANY ($1::text[])
   AND a.{by} = c.external_id
   AND ({ours}) IS DISTINCT FROM ({theirs})
RETURNING {key_text}
