-- Of the records $1, those whose newest version is a pending tombstone.
SELECT asked.id
  FROM unnest($1::text[]) AS asked (id)
 CROSS JOIN LATERAL (
       SELECT s.operation, s.sync_status
         FROM {schema}.{staging_table} s
        WHERE s.external_id = asked.id AND s.withdrawn_by IS NULL
        ORDER BY s.fetched_at DESC
        LIMIT 1) AS version
 WHERE version.operation = 'delete' AND version.sync_status = 'pending'
