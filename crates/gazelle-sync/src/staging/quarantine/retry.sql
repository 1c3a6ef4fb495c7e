-- The faulty versions of the entity $1 to try again: all with an open or waiting case or, if $2 is not empty, those
-- of these records or versions; only with the code $3 if it is given.
SELECT s.id
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{staging_table} s ON s.id = q.staging_id
 WHERE q.entity = $1
   AND s.sync_status = 'error'
   AND s.withdrawn_by IS NULL
   AND CASE WHEN cardinality($2::text[]) = 0 THEN q.state IN ('open', 'waiting')
            ELSE q.external_id = ANY ($2::text[]) OR q.staging_id::text = ANY ($2::text[]) END
   AND ($3::text IS NULL OR q.error_code = $3)
