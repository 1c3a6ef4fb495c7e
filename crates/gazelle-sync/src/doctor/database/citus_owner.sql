-- The owner of our tables (of the migrations table, $1), whether that role may log in, whether we may see which
-- roles have a password, and the comment that keeps it trusted where its name is not that of the default owner.
SELECT o.rolname::text AS owner, o.rolcanlogin AS may_log_in,
       has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS passwords_are_shown,
       CASE WHEN o.rolname <> 'gazelle_owner' AND o.oid NOT IN ({ungrantable}) AND o.oid NOT IN ({marked})
            THEN pg_catalog.format('COMMENT ON ROLE %I IS %L', o.rolname, {mark}) END AS marked_by
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
 WHERE c.relname = $1
   AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema_text})
