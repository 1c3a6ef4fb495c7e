-- The next $3 versions after the position ($2, $4) that can be deleted: processed ones for which the record had a
-- newer valid version at $1. Tombstones stay, and so do withdrawn versions, versions with an open or dismissed case,
-- and what the appended conditions name.
SELECT s.id, s.external_id, s.fetched_at
  FROM {schema}.{staging_table} s
 WHERE (s.external_id, s.fetched_at) > ($2, $4)
   AND s.fetched_at < $1
   AND s.operation = 'upsert'
   AND s.sync_status = 'processed'
   AND s.withdrawn_by IS NULL
   AND EXISTS (
       SELECT 1
         FROM {schema}.{staging_table} newer
        WHERE newer.external_id = s.external_id
          AND newer.fetched_at > s.fetched_at
          AND newer.fetched_at <= $1
          AND newer.operation = 'upsert'
          AND newer.sync_status = 'processed'
          AND newer.error_code IS NULL
          AND newer.withdrawn_by IS NULL)
   AND NOT EXISTS (
       SELECT 1
         FROM {schema}.sync_quarantine q
        WHERE q.staging_id = s.id
          AND q.state IN ('open', 'waiting', 'dismissed')){and_not_needed}
 ORDER BY s.external_id, s.fetched_at
 LIMIT $3
