-- How many records have a field, or a row inside them, that was first found unreadable after $1, by entity, with the
-- columns.
SELECT entity, count(DISTINCT external_id) AS count,
       string_agg(DISTINCT coalesce(column_name, code), ', ') AS columns
  FROM {schema}.sync_quality_warnings
 WHERE code IN ('unreadable_field', 'unreadable_row')
   AND first_seen_at > $1
 GROUP BY entity
 ORDER BY entity
