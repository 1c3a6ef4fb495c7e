-- Restores the deletions of the entity $1 that the undo $2 dismissed to their former state.
UPDATE {schema}.sync_deletions
   SET state = CASE state WHEN 'dismissed' THEN state_before_undo ELSE state END,
       undone_by = NULL, state_before_undo = NULL
 WHERE entity = $1 AND undone_by = $2
