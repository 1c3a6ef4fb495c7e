-- The schemas that contain a table $1, the manifest of a backup. Temporary tables are left out, because every role
-- that can connect can create them.
SELECT n.nspname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = $1 AND c.relkind = 'r' AND c.relpersistence = 'p'
 ORDER BY 1
