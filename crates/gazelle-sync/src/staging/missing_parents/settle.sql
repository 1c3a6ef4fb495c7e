-- Deletes the parents for which no record waits any more.
DELETE FROM {schema}.sync_missing_parents m
 WHERE NOT EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                    WHERE q.state = 'waiting' AND q.waits_for = m.parent_table AND q.waits_for_id = m.external_id)
