-- Copies time and run of the first fault of a record to its newer case among $3. It is not a new fault: the record
-- was requested by its id because its list had failed at it (open cases with the code $4).
WITH earlier AS (
    SELECT DISTINCT ON (e.external_id) e.external_id, e.first_seen_at, e.run_id
      FROM {schema}.sync_quarantine e
     WHERE e.entity = $1
       AND e.external_id = ANY ($2::text[])
       AND e.staging_id <> ALL ($3::uuid[])
       AND e.state = 'open'
       AND e.error_code = $4
     ORDER BY e.external_id, e.first_seen_at, e.staging_id
)
UPDATE {schema}.sync_quarantine q
   SET first_seen_at = earlier.first_seen_at, run_id = earlier.run_id
  FROM earlier
 WHERE q.entity = $1
   AND q.staging_id = ANY ($3::uuid[])
   AND q.external_id = earlier.external_id
   AND q.first_seen_at > earlier.first_seen_at
