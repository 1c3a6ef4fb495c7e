UPDATE {schema}.sync_deletions
   SET state = $3, decided_at = $4
 WHERE run_id = $1 AND entity = $2 AND state = 'withheld' AND external_id = ANY ($5::text[])
RETURNING external_id
