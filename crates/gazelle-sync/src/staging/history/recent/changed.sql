-- The versions of records that were staged after a moment ($1, a bound of their ids, which begin with the time), each with
-- the last one before it that production had, and whether a deletion came between; where one of both names a text ($2 to $3)
-- in the field that begins it. The newest first, $4 at most.
SELECT v.id, v.external_id, v.fetched_at, v.operation, v.raw_data, before.id IS NOT NULL AS has_before,
       before.raw_data AS before, coalesce(prior.operation = 'delete', false) AS was_gone
  FROM {schema}.{staging_table} v
  {earlier}
 WHERE v.id >= $1
   AND v.withdrawn_by IS NULL
   AND v.sync_status = 'processed'
   AND (coalesce(v.raw_data ->> 'start', '') BETWEEN $2 AND $3
        OR coalesce(before.raw_data ->> 'start', '') BETWEEN $2 AND $3)
 ORDER BY v.id DESC
 LIMIT $4
