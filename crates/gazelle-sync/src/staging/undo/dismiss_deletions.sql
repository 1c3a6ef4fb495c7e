-- Dismisses the deletions that the run $2 found of the entity $1; the undo $3 can give them back.
UPDATE {schema}.sync_deletions
   SET state = 'dismissed', decided_at = $4, undone_by = $3, state_before_undo = state
 WHERE run_id = $2 AND entity = $1 AND state IN ('deleted', 'approved')
