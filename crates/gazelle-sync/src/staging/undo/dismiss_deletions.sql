-- Dismisses the deletions of the entity $1 that the run $2 carried out, and those that were approved and whose tombstones
-- the undo $3 has withdrawn. The undo is noted, so that lifting it restores them.
UPDATE {schema}.sync_deletions d
   SET state = 'dismissed', decided_at = $4, undone_by = $3, state_before_undo = state
 WHERE {of_run}
