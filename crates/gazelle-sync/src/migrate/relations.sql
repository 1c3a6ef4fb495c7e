-- What has one of our names in the account's schema, and whether it may be the register of migrations: a table that has the
-- four columns of ours.
SELECT c.relname::text AS name,
       c.relkind = 'r' AND 4 = (SELECT count(*) FROM pg_attribute a
                                 WHERE a.attrelid = c.oid AND NOT a.attisdropped
                                   AND a.attname IN ('version', 'name', 'checksum', 'applied_at')) AS is_register,
       row_security_active(c.oid) AS is_hidden
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
 ORDER BY 1
