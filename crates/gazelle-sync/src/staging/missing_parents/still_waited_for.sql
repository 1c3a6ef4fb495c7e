-- Of the parents with the tables $1 and ids $2, those that records still wait for.
SELECT asked.parent_table, asked.external_id
  FROM unnest($1::text[], $2::text[]) AS asked (parent_table, external_id)
 WHERE EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                WHERE q.state = 'waiting' AND q.waits_for = asked.parent_table AND q.waits_for_id = asked.external_id)
