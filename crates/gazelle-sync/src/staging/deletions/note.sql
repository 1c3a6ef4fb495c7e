-- Inserts deletions of the entity $2 that the run $1 found, with the state $5. A withheld one is skipped if the
-- record has a withheld deletion already. Returns the ids inserted.
INSERT INTO {schema}.sync_deletions (run_id, entity, external_id, state, evidence, found_at)
SELECT $1, $2, external_id, $5, evidence, $6
  FROM unnest($3::text[], $4::jsonb[]) AS gone (external_id, evidence)
 WHERE NOT EXISTS (SELECT 1 FROM {schema}.sync_deletions waits
                    WHERE waits.entity = $2 AND waits.external_id = gone.external_id
                      AND waits.state = 'withheld' AND $5 = 'withheld')
RETURNING external_id
