-- Of the records $1, the newest version that is neither withdrawn nor dismissed, unless it is pending already.
SELECT version.id
  FROM unnest($1::text[]) AS record (external_id)
 CROSS JOIN LATERAL (
       SELECT n.id, n.sync_status
         FROM {schema}.{staging_table} n
        WHERE n.external_id = record.external_id
          AND n.withdrawn_by IS NULL
          AND (n.sync_status <> 'error'
               OR NOT EXISTS (SELECT 1 FROM {schema}.sync_quarantine q
                               WHERE q.staging_id = n.id AND q.state = 'dismissed'))
        ORDER BY n.fetched_at DESC
        LIMIT 1) AS version
 WHERE version.sync_status <> 'pending'
