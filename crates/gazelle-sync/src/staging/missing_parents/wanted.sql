SELECT DISTINCT ON (q.waits_for, q.waits_for_id)
       q.waits_for, q.waits_for_id, q.entity, q.external_id, coalesce(asked.asks, 0)
  FROM {schema}.sync_quarantine q
  LEFT JOIN {schema}.sync_missing_parents asked
         ON asked.parent_table = q.waits_for AND asked.external_id = q.waits_for_id
 WHERE q.state = 'waiting'
   AND (asked.next_ask_at IS NULL OR asked.next_ask_at <= $1)
 ORDER BY q.waits_for, q.waits_for_id, q.entity, q.external_id
 LIMIT $2
