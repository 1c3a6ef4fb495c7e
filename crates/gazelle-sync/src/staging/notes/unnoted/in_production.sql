-- Of the records $1, the newest version that production can hold: processed, valid and not withdrawn.
SELECT version.id, record.external_id
  FROM unnest($1::text[]) AS record (external_id)
 CROSS JOIN LATERAL (
       SELECT n.id
         FROM {schema}.{staging_table} n
        WHERE n.external_id = record.external_id
          AND n.sync_status = 'processed'
          AND n.error_code IS NULL
          AND n.withdrawn_by IS NULL
        ORDER BY n.fetched_at DESC
        LIMIT 1) AS version
