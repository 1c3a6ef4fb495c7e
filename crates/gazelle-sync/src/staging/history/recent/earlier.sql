-- For each version v of a list: the last version before it that production had (before), and the operation of the last processed
-- one before it (prior), which tells whether a deletion came between.
LEFT JOIN LATERAL (
     SELECT b.id, b.raw_data
       FROM {schema}.{staging_table} b
      WHERE b.external_id = v.external_id AND b.fetched_at < v.fetched_at
        AND b.withdrawn_by IS NULL AND b.operation = 'upsert' AND b.sync_status = 'processed'
      ORDER BY b.fetched_at DESC
      LIMIT 1) AS before ON true
LEFT JOIN LATERAL (
     SELECT b.operation
       FROM {schema}.{staging_table} b
      WHERE b.external_id = v.external_id AND b.fetched_at < v.fetched_at
        AND b.withdrawn_by IS NULL AND b.sync_status = 'processed'
      ORDER BY b.fetched_at DESC
      LIMIT 1) AS prior ON true
