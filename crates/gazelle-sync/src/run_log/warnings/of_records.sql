-- Quality warnings of records by entity and code, each with the newest $4 of them; only of the entity $1, the code $2
-- and the run $3, if these are given.
WITH chosen AS (
    SELECT w.*, row_number() OVER (PARTITION BY w.entity, w.code
                                   ORDER BY w.last_seen_at DESC, w.external_id, w.field) AS place
      FROM {schema}.sync_quality_warnings w
     WHERE ($1::text IS NULL OR w.entity = $1)
       AND ($2::text IS NULL OR w.code = $2)
       AND ($3::uuid IS NULL OR w.run_id = $3)
)
SELECT entity, code, count(DISTINCT external_id) AS records, min(first_seen_at) AS first_seen_at,
       max(last_seen_at) AS last_seen_at,
       array_agg(external_id ORDER BY place) FILTER (WHERE place <= $4) AS external_ids,
       array_agg(field ORDER BY place) FILTER (WHERE place <= $4) AS fields,
       array_agg(run_id::text ORDER BY place) FILTER (WHERE place <= $4) AS run_ids,
       array_agg(column_name ORDER BY place) FILTER (WHERE place <= $4) AS column_names,
       array_agg(shape ORDER BY place) FILTER (WHERE place <= $4) AS shapes
  FROM chosen
 GROUP BY entity, code
 ORDER BY entity, code
