SELECT staging_id
  FROM {schema}.sync_quarantine
 WHERE state IN ('released', 'reread', 'superseded', 'withdrawn')
   AND closed_at < $1
 ORDER BY closed_at
 LIMIT $2
