-- Fields that this run could not read, of records in production, by entity and column (or place, of rows inside records).
SELECT entity, coalesce(column_name, regexp_replace(field, '[[][0-9]+[]]', '[]', 'g')) AS what,
       count(*) AS count, count(DISTINCT external_id)
  FROM {schema}.sync_quality_warnings
 WHERE run_id = $1
   AND code IN ('unreadable_field', 'unreadable_row')
 GROUP BY entity, what
 ORDER BY entity, count(*) DESC, what
