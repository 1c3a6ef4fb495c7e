-- The schemas with a table named $1, a manifest.
SELECT n.nspname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = $1 AND c.relkind = 'r'
 ORDER BY 1
