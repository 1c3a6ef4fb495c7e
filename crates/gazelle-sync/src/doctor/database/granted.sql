-- The privileges of role $2 on our relations $1, its own and those of roles it is a member of, including column
-- privileges.
SELECT c.relname::text AS name, wanted.privilege
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS wanted (privilege)
 WHERE n.nspname = {schema_text}
   AND c.relname = ANY ($1::text[])
   AND CASE WHEN wanted.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
            THEN pg_catalog.has_any_column_privilege($2, c.oid, wanted.privilege)
            ELSE pg_catalog.has_table_privilege($2, c.oid, wanted.privilege) END
 ORDER BY 1, 2
