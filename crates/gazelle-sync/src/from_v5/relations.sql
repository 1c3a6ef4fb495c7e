-- Whatever stands in the schema $1 under one of the names $2, with its columns in their order.
SELECT c.relname::text AS name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table'
                      WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' END AS kind,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS may_move,
       c.relname = 'sync_migrations' AS is_register,
       ARRAY(SELECT a.attname::text
               FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              ORDER BY a.attnum) AS columns
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1
   AND c.relname = ANY ($2::text[])
 ORDER BY c.relname
