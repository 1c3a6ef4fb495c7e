-- The owner of our tables (of the migrations table, $1), whether that role may log in, and whether we may see which
-- roles have a password.
SELECT o.rolname::text AS owner, o.rolcanlogin AS may_log_in,
       has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS passwords_are_shown
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
 WHERE c.relname = $1
   AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema_text})
