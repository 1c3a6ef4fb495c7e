-- The faulty versions of the entity $1 that wait for a parent in the table $2 which production holds now, each with
-- its run.
SELECT s.id, s.run_id
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{staging_table} s ON s.id = q.staging_id
 WHERE q.entity = $1
   AND q.state = 'waiting'
   AND q.waits_for = $2
   AND s.sync_status = 'error'
   AND s.withdrawn_by IS NULL
   AND EXISTS (SELECT 1 FROM {schema}.{parent} p WHERE p.external_id = q.waits_for_id)
