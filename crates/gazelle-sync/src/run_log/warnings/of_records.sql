WITH chosen AS (
    SELECT w.*, row_number() OVER (PARTITION BY w.entity, w.code
                                   ORDER BY w.last_seen_at DESC, w.external_id, w.field) AS place
      FROM {schema}.sync_quality_warnings w
     WHERE ($1::text IS NULL OR w.entity = $1)
       AND ($2::text IS NULL OR w.code = $2)
       AND ($3::uuid IS NULL OR w.run_id = $3)
)
SELECT entity, code, count(DISTINCT external_id), min(first_seen_at), max(last_seen_at),
       array_agg(external_id ORDER BY place) FILTER (WHERE place <= $4),
       array_agg(field ORDER BY place) FILTER (WHERE place <= $4),
       array_agg(run_id::text ORDER BY place) FILTER (WHERE place <= $4),
       array_agg(column_name ORDER BY place) FILTER (WHERE place <= $4),
       array_agg(shape ORDER BY place) FILTER (WHERE place <= $4)
  FROM chosen
 GROUP BY entity, code
 ORDER BY entity, code
