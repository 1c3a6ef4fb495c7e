ALTER TABLE {schema}.{staging_table} ADD COLUMN source_fault jsonb;

COMMENT ON COLUMN {schema}.{staging_table}.source_fault IS
    'Why this version is not its record''s content: the API could not give it whole (code, field, message). Null for all others.';
