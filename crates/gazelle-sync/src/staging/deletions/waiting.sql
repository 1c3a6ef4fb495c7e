-- At most $3 deletions of the entity $2 that the run $1 withheld and that await manual approval, but for the records $4.
SELECT external_id, evidence, found_at
  FROM {schema}.sync_deletions
 WHERE run_id = $1 AND entity = $2 AND state = 'withheld' AND external_id <> ALL ($4::text[])
 ORDER BY external_id
 LIMIT $3
