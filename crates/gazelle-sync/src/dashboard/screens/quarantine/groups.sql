-- The cases that wait, by entity, reason, field and state: how many records, and since when. The largest groups first.
SELECT entity, error_code, coalesce(error_field, '') AS error_field, state, count(DISTINCT external_id) AS records,
       min(first_seen_at) AS oldest
  FROM {schema}.sync_quarantine
 WHERE state IN ('open', 'waiting')
 GROUP BY entity, error_code, coalesce(error_field, ''), state
 ORDER BY records DESC, oldest, entity, error_code, error_field, state
 LIMIT 30
