-- Dismisses the open and waiting cases of the entity $1 of these records or versions ($2), for the reason $4.
UPDATE {schema}.sync_quarantine
   SET state = 'dismissed', closed_at = $3, closed_reason = $4
 WHERE entity = $1 AND state IN ('open', 'waiting')
   AND (external_id = ANY ($2::text[]) OR staging_id::text = ANY ($2::text[]))
