-- Fields of records in production that the run $1 could not read, counted by entity and column, or by field for rows
-- inside records.
SELECT entity, coalesce(column_name, regexp_replace(field, '[[][0-9]+[]]', '[]', 'g')) AS what,
       count(*) AS count, count(DISTINCT external_id)
  FROM {schema}.sync_quality_warnings
 WHERE run_id = $1
   AND code IN ('unreadable_field', 'unreadable_row')
 GROUP BY entity, what
 ORDER BY entity, count(*) DESC, what
