-- Sets the withheld deletions of the records $5 (run $1, entity $2) to the state $3. Returns the ids of those that
-- were still withheld.
UPDATE {schema}.sync_deletions
   SET state = $3, decided_at = $4
 WHERE run_id = $1 AND entity = $2 AND state = 'withheld' AND external_id = ANY ($5::text[])
RETURNING external_id
