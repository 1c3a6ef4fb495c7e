-- Closes the open cases of the entity $1 whose versions the undo $2 withdrew.
UPDATE {schema}.sync_quarantine q
   SET state = 'withdrawn', closed_at = $3, closed_reason = 'its run was undone'
  FROM {schema}.{staging_table} s
 WHERE s.withdrawn_by = $2
   AND q.staging_id = s.id
   AND q.entity = $1
   AND q.state IN ('open', 'waiting')
