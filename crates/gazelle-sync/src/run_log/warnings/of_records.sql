-- Quality warnings of records: one row for each of the newest $4 warnings of every entity and code, with the counts of
-- all of them; only of the entity $1, the code $2 and the run $3, if these are given.
WITH chosen AS (
    SELECT w.*, row_number() OVER (PARTITION BY w.entity, w.code
                                   ORDER BY w.last_seen_at DESC, w.external_id, w.field) AS place
      FROM {schema}.sync_quality_warnings w
     WHERE ($1::text IS NULL OR w.entity = $1)
       AND ($2::text IS NULL OR w.code = $2)
       AND ($3::uuid IS NULL OR w.run_id = $3)
), kind AS (
    SELECT entity, code, count(DISTINCT external_id) AS records, min(first_seen_at) AS first_seen_at,
           max(last_seen_at) AS last_seen_at
      FROM chosen
     GROUP BY entity, code
)
SELECT kind.entity, kind.code, kind.records, kind.first_seen_at, kind.last_seen_at,
       chosen.external_id, chosen.field, chosen.run_id::text AS run_id, chosen.column_name, chosen.shape
  FROM kind
  JOIN chosen ON chosen.entity = kind.entity AND chosen.code = kind.code AND chosen.place <= $4
 ORDER BY kind.entity, kind.code, chosen.place
