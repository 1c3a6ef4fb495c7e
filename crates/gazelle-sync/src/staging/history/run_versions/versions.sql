-- The versions of an entity that the run $3 staged, found by the bounds $1 and $2 of their ids, $4 at most; each with the
-- version before it that held a record. Of one that is too large to be compared for a list nothing is read.
(SELECT '{entity}' AS entity, v.id, v.external_id, v.fetched_at, v.operation, v.sync_status, v.withdrawn_by IS NOT NULL AS is_withdrawn,
        before.id IS NULL AS is_first,
        CASE WHEN pg_column_size(v.raw_data) < 16384 AND v.operation = 'upsert' THEN v.raw_data END AS raw_data,
        CASE WHEN pg_column_size(before.raw_data) < 16384 AND v.operation = 'upsert' THEN before.raw_data END AS before
   FROM (SELECT *
           FROM {schema}.{staging_table} s
          WHERE s.id >= $1 AND s.id < $2 AND s.run_id = $3
          ORDER BY s.id
          LIMIT $4) AS v
   LEFT JOIN LATERAL (
        SELECT b.id, b.raw_data
          FROM {schema}.{staging_table} b
         WHERE b.external_id = v.external_id AND b.fetched_at < v.fetched_at AND b.operation = 'upsert'
         ORDER BY b.fetched_at DESC
         LIMIT 1) AS before ON true
  ORDER BY v.id)
