-- The next $2 cases after the position ($3, $4) that were closed before $1, except dismissed ones.
SELECT staging_id, closed_at
  FROM {schema}.sync_quarantine
 WHERE state IN ('released', 'reread', 'superseded', 'withdrawn')
   AND closed_at < $1
   AND (closed_at, staging_id) > ($3, $4)
 ORDER BY closed_at, staging_id
 LIMIT $2
