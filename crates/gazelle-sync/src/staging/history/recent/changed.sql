-- The versions of records that were staged after a moment ($1, a bound of their ids, which begin with the time), each with
-- the last one before it that production had, and whether a deletion came between; where one of both names a text ($2 to $3)
-- in the field that begins it. The newest first, $4 at most.
SELECT s.id, s.external_id, s.fetched_at, s.operation, s.raw_data, before.id IS NOT NULL AS has_before,
       before.raw_data AS before, coalesce(prior.operation = 'delete', false) AS was_gone
  FROM {schema}.{staging_table} s
  LEFT JOIN LATERAL (
       SELECT b.id, b.raw_data
         FROM {schema}.{staging_table} b
        WHERE b.external_id = s.external_id AND b.fetched_at < s.fetched_at
          AND b.withdrawn_by IS NULL AND b.operation = 'upsert' AND b.sync_status = 'processed'
        ORDER BY b.fetched_at DESC
        LIMIT 1) AS before ON true
  LEFT JOIN LATERAL (
       SELECT b.operation
         FROM {schema}.{staging_table} b
        WHERE b.external_id = s.external_id AND b.fetched_at < s.fetched_at
          AND b.withdrawn_by IS NULL AND b.sync_status = 'processed'
        ORDER BY b.fetched_at DESC
        LIMIT 1) AS prior ON true
 WHERE s.id >= $1
   AND s.withdrawn_by IS NULL
   AND s.sync_status = 'processed'
   AND (coalesce(s.raw_data ->> 'start', '') BETWEEN $2 AND $3
        OR coalesce(before.raw_data ->> 'start', '') BETWEEN $2 AND $3)
 ORDER BY s.id DESC
 LIMIT $4
