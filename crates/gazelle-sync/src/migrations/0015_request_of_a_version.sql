ALTER TABLE {schema}.{staging_table} ADD COLUMN request integer;

COMMENT ON COLUMN {schema}.{staging_table}.request IS
    'The request that brought this version: sync_run_requests.sequence of its run.';
