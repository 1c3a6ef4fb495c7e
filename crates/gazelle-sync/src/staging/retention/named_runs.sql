-- The runs that brought or withdrew a version, each with the requests that brought one.
SELECT DISTINCT run_id, request FROM {schema}.{staging_table} WHERE run_id IS NOT NULL
UNION
SELECT DISTINCT withdrawn_by, NULL::int FROM {schema}.{staging_table} WHERE withdrawn_by IS NOT NULL
