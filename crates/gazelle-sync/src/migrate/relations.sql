-- The objects of the schema $1 that have one of the names $2, each with whether it may be the register of migrations
-- (a table with its four columns) and whether row security hides rows of it from us.
SELECT c.relname::text AS name,
       c.relkind = 'r' AND 4 = (SELECT count(*) FROM pg_attribute a
                                 WHERE a.attrelid = c.oid AND NOT a.attisdropped
                                   AND a.attname IN ('version', 'name', 'checksum', 'applied_at')) AS is_register,
       row_security_active(c.oid) AS is_hidden
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
 ORDER BY 1
