UPDATE {schema}.{staging_table} s
   SET sync_status = 'pending'
  FROM {schema}.sync_quarantine q
 WHERE q.entity = $1
   AND q.state = 'waiting'
   AND q.waits_for = $2
   AND s.id = q.staging_id
   AND s.sync_status = 'error'
   AND s.withdrawn_by IS NULL
   AND EXISTS (SELECT 1 FROM {schema}.{parent} p WHERE p.external_id = q.waits_for_id)
RETURNING s.run_id
