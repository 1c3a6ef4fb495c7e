-- Who we are, whether a superuser, and, where not, who holds the right by which we may create in the schema $1.
SELECT me.rolname::text AS name,
       me.rolsuper AS is_superuser,
       (SELECT CASE WHEN pg_catalog.has_schema_privilege('public', n.oid, 'CREATE') THEN 'public' ELSE me.rolname::text END
          FROM pg_catalog.pg_namespace n
         WHERE n.nspname = $1 AND NOT me.rolsuper AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')) AS creates_by
  FROM pg_catalog.pg_roles me
 WHERE me.rolname = current_user
