-- A run may open one of them again meanwhile: it stays then.
DELETE FROM {schema}.sync_quarantine
 WHERE staging_id = ANY ($2::uuid[])
   AND state IN ('released', 'reread', 'superseded', 'withdrawn')
   AND closed_at < $1
