-- The undos, newest first, in which $1 is the undo, the run that it undid or the run that lifted it.
SELECT undo_id, run_id, undone_at, lifted_by
  FROM {schema}.sync_undos
 WHERE $1 IN (undo_id, run_id, lifted_by)
 ORDER BY undone_at DESC
