-- Records that staging says exist; that production holds; of which no version could be reconciled; and of
-- which none has been tried yet.
WITH newest AS (
    SELECT DISTINCT ON (external_id) external_id, operation
      FROM {schema}.{staging_table}
     WHERE withdrawn_by IS NULL
     ORDER BY external_id, fetched_at DESC
), existing AS (
    SELECT newest.external_id, held.external_id IS NOT NULL AS in_production
      FROM newest
      LEFT JOIN {schema}.{table} held ON held.external_id = newest.external_id AND held.deleted_at IS NULL
     WHERE newest.operation = 'upsert'
)
SELECT count(*),
       (SELECT count(*) FROM {schema}.{table} WHERE deleted_at IS NULL),
       count(*) FILTER (WHERE NOT in_production AND EXISTS (
           SELECT 1 FROM {schema}.{staging_table} s
            WHERE s.external_id = existing.external_id AND s.sync_status = 'error')),
       count(*) FILTER (WHERE NOT in_production AND EXISTS (
           SELECT 1 FROM {schema}.{staging_table} s
            WHERE s.external_id = existing.external_id AND s.sync_status = 'pending')
           AND NOT EXISTS (
           SELECT 1 FROM {schema}.{staging_table} s
            WHERE s.external_id = existing.external_id AND s.sync_status = 'error'))
  FROM existing
 WHERE $1::text IS NOT NULL
