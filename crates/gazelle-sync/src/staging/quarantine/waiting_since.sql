-- The records that have failed since $1 and whose case is open or waiting, counted by entity, code and field, with
-- the first $2 ids.
SELECT entity, error_code, coalesce(error_field, '') AS error_field, count(DISTINCT external_id) AS records,
       (array_agg(DISTINCT external_id ORDER BY external_id))[1:$2::integer] AS external_ids
  FROM {schema}.sync_quarantine
 WHERE state IN ('open', 'waiting')
   AND last_seen_at >= $1
 GROUP BY entity, error_code, coalesce(error_field, '')
 ORDER BY entity, error_code, coalesce(error_field, '')
