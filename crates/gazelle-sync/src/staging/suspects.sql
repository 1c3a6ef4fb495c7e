SELECT t.external_id,
       EXISTS (SELECT 1 FROM {schema}.sync_deletions d
                WHERE d.entity = $1 AND d.external_id = t.external_id AND d.state = 'dismissed')
  FROM {schema}.{table} t
 WHERE t.deleted_at IS NULL
   AND t.external_id > $2
   {days}
 ORDER BY t.external_id
 LIMIT $3
