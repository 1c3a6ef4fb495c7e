-- Dismisses the deletions of the entity $1 that the run $2 found. The undo $3 is noted, so that lifting it restores
-- them.
UPDATE {schema}.sync_deletions
   SET state = 'dismissed', decided_at = $4, undone_by = $3, state_before_undo = state
 WHERE run_id = $2 AND entity = $1 AND state IN ('deleted', 'approved')
