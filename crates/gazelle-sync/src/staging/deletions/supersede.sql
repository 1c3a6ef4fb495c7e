UPDATE {schema}.sync_deletions
   SET state = 'superseded'
 WHERE entity = $1 AND external_id = ANY ($2::text[]) AND state = ANY ($3::text[])
RETURNING external_id
