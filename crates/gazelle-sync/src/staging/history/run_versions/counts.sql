-- How many versions of an entity the run $3 staged, found by the bounds $1 and $2 of their ids; the first $4 are counted.
(SELECT '{entity}' AS entity,
        count(*) FILTER (WHERE v.operation = 'upsert' AND NOT v.has_before) AS first,
        count(*) FILTER (WHERE v.operation = 'upsert' AND v.has_before) AS later,
        count(*) FILTER (WHERE v.operation = 'delete') AS gone,
        count(*) FILTER (WHERE v.sync_status = 'error') AS faulty
   FROM (SELECT s.operation, s.sync_status,
                EXISTS (SELECT 1 FROM {schema}.{staging_table} b
                         WHERE b.external_id = s.external_id AND b.fetched_at < s.fetched_at) AS has_before
           FROM {schema}.{staging_table} s
          WHERE s.id >= $1 AND s.id < $2 AND s.run_id = $3
          LIMIT $4) AS v)
