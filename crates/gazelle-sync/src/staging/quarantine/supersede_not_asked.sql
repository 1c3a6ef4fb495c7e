-- Closes the older open cases with the code $5 of the records $2, which were requested by their ids in the meantime.
-- Returns the ids of their versions.
UPDATE {schema}.sync_quarantine q
   SET state = 'superseded', closed_at = $4, closed_reason = 'the record was asked for by its id since'
 WHERE q.entity = $1
   AND q.external_id = ANY ($2::text[])
   AND q.staging_id <> ALL ($3::uuid[])
   AND q.state = 'open'
   AND q.error_code = $5
RETURNING q.staging_id
