-- The next $2 missing parents that are due at $1, each with one record that waits for it. Parents that were never
-- requested come first, then those due the longest, of these those requested least often, so that failing ones do not keep others out.
SELECT wanted.waits_for, wanted.waits_for_id, wanted.entity, wanted.external_id, wanted.asks
  FROM (SELECT DISTINCT ON (q.waits_for, q.waits_for_id)
               q.waits_for, q.waits_for_id, q.entity, q.external_id, coalesce(asked.asks, 0) AS asks, asked.next_ask_at
          FROM {schema}.sync_quarantine q
          LEFT JOIN {schema}.sync_missing_parents asked
                 ON asked.parent_table = q.waits_for AND asked.external_id = q.waits_for_id
         WHERE q.state = 'waiting'
           AND (asked.next_ask_at IS NULL OR asked.next_ask_at <= $1)
         ORDER BY q.waits_for, q.waits_for_id, q.entity, q.external_id) AS wanted
 ORDER BY wanted.next_ask_at NULLS FIRST, wanted.asks, wanted.waits_for, wanted.waits_for_id
 LIMIT $2
