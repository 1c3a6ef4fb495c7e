-- Cases of the entity $1 that are open or wait, of these records or versions ($2).
SELECT count(*)
  FROM {schema}.sync_quarantine
 WHERE entity = $1 AND state IN ('open', 'waiting')
   AND (external_id = ANY ($2::text[]) OR staging_id::text = ANY ($2::text[]))
