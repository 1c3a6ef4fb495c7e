-- At most $3 deletions of the entity $2 that the run $1 withheld and that await manual approval.
SELECT external_id, evidence, found_at
  FROM {schema}.sync_deletions
 WHERE run_id = $1 AND entity = $2 AND state = 'withheld'
 ORDER BY external_id
 LIMIT $3
