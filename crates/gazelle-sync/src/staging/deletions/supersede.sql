-- Marks the deletions of the records $2 (entity $1) that have one of the states $3 as superseded, and returns their
-- records' ids.
UPDATE {schema}.sync_deletions
   SET state = 'superseded'
 WHERE entity = $1 AND external_id = ANY ($2::text[]) AND state = ANY ($3::text[])
RETURNING external_id
