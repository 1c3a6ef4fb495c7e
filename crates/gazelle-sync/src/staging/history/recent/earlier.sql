-- For each version v of a list: the last processed one before it (prior), whose operation tells whether a deletion came between, and
-- the last version before it that production had (before): the same one, unless it is a deletion.
LEFT JOIN LATERAL (
     SELECT b.id, b.operation, b.raw_data
       FROM {schema}.{staging_table} b
      WHERE b.external_id = v.external_id AND b.fetched_at < v.fetched_at
        AND b.withdrawn_by IS NULL AND b.sync_status = 'processed'
      ORDER BY b.fetched_at DESC
      LIMIT 1) AS prior ON true
LEFT JOIN LATERAL (
     SELECT b.id, b.raw_data
       FROM {schema}.{staging_table} b
      WHERE prior.operation = 'delete'
        AND b.external_id = v.external_id AND b.fetched_at < v.fetched_at
        AND b.withdrawn_by IS NULL AND b.operation = 'upsert' AND b.sync_status = 'processed'
      ORDER BY b.fetched_at DESC
      LIMIT 1) AS held ON true
CROSS JOIN LATERAL (
     SELECT CASE WHEN prior.operation = 'upsert' THEN prior.id ELSE held.id END AS id,
            CASE WHEN prior.operation = 'upsert' THEN prior.raw_data ELSE held.raw_data END AS raw_data) AS before
