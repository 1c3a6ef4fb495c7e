-- Those of our relations $2 that the schema $1 holds.
SELECT c.relname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v') AND c.relname = ANY ($2::text[])
 ORDER BY 1
