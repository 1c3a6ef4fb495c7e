-- Rows of production; those of them that no version in staging gives; and the records of staging without a
-- row, told apart by what their newest version is: a tombstone, a fault, or something not tried yet.
WITH absent AS (
    SELECT DISTINCT s.external_id
      FROM {schema}.{staging_table} s
     WHERE s.withdrawn_by IS NULL
       AND NOT EXISTS (SELECT 1 FROM {schema}.{table} t
                        WHERE t.external_id = s.external_id AND t.deleted_at IS NULL)
), newest AS (
    SELECT version.operation, version.sync_status
      FROM absent
     CROSS JOIN LATERAL (
           SELECT s.operation, s.sync_status
             FROM {schema}.{staging_table} s
            WHERE s.external_id = absent.external_id AND s.withdrawn_by IS NULL
            ORDER BY s.fetched_at DESC
            LIMIT 1) AS version
)
SELECT (SELECT count(*) FROM {schema}.{table} WHERE deleted_at IS NULL),
       (SELECT count(*) FROM {schema}.{table} t
         WHERE t.deleted_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM {schema}.{staging_table} s
                            WHERE s.external_id = t.external_id AND s.withdrawn_by IS NULL)),
       count(*) FILTER (WHERE operation = 'upsert' AND sync_status = 'error'),
       count(*) FILTER (WHERE operation = 'upsert' AND sync_status = 'pending'),
       count(*) FILTER (WHERE operation = 'upsert' AND sync_status = 'processed')
  FROM newest
