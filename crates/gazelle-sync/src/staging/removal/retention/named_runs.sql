-- The runs that staged or withdrew a version, with the requests of those that staged one.
SELECT DISTINCT run_id, request FROM {schema}.{staging_table} WHERE run_id IS NOT NULL
UNION
SELECT DISTINCT withdrawn_by, NULL::int FROM {schema}.{staging_table} WHERE withdrawn_by IS NOT NULL
