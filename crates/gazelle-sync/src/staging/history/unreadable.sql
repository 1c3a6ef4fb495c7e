-- The fields of the record $2 of the entity $1 that could not be read.
SELECT field, column_name, shape
  FROM {schema}.sync_quality_warnings
 WHERE entity = $1 AND external_id = $2 AND code IN ('unreadable_field', 'unreadable_row')
 ORDER BY field
