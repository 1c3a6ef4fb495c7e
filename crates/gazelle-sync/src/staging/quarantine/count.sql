-- The number of cases of the entity $1, with the code $2 and in one of the states $3 if these are given.
SELECT count(*)
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{staging_table} s ON s.id = q.staging_id
 WHERE q.entity = $1
   AND ($2::text IS NULL OR q.error_code = $2)
   AND ($3::text[] IS NULL OR q.state = ANY ($3))
