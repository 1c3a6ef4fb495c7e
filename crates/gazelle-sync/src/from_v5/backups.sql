-- The schemas with a table named $1, a manifest. Not temporary ones, which whoever may connect can make.
SELECT n.nspname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = $1 AND c.relkind = 'r' AND c.relpersistence = 'p'
 ORDER BY 1
