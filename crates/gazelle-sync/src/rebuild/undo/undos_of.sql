-- The undos of a run, or those that an id ($1) names as undo or as its lifting: the newest first.
SELECT undo_id, run_id, undone_at, lifted_by
  FROM {schema}.sync_undos
 WHERE $1 IN (undo_id, run_id, lifted_by)
 ORDER BY undone_at DESC
