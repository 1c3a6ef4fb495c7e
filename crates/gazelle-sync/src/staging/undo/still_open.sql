-- Cases of versions that the undo $2 has withdrawn and that are not closed.
SELECT count(*)
  FROM {schema}.sync_quarantine q
  JOIN {schema}.{staging_table} s ON s.id = q.staging_id
 WHERE s.withdrawn_by = $2
   AND q.entity = $1
   AND q.state IN ('open', 'waiting')
