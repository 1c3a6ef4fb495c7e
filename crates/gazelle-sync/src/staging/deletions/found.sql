-- The deletions found, newest first, $3 at most: only those that await manual approval if $1 is true, only those of the run
-- $2 if it is given.
SELECT run_id, entity, external_id, state, evidence, found_at, decided_at
  FROM {schema}.sync_deletions
 WHERE (NOT $1 OR state = 'withheld') AND ($2::uuid IS NULL OR run_id = $2)
 ORDER BY found_at DESC, entity, external_id
 LIMIT $3
