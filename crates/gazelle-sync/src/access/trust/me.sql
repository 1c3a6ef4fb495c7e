-- Who we are, whether a superuser (owners.sql says who counts as one), the lesser role that one has put in force, and, where we are
-- none, who holds the right by which we may create in the schema $1; for a superuser what an administrator gets to own who shall act
-- for it: the database where its owner owns the schema, else the schema.
WITH us AS (
    SELECT me.oid, me.rolname, login.rolname AS login,
           EXISTS (SELECT 1 FROM pg_catalog.pg_roles s
                    WHERE s.rolsuper AND (s.oid = me.oid OR pg_catalog.pg_has_role(login.oid, s.oid, 'MEMBER'))) AS is_superuser
      FROM pg_catalog.pg_roles me JOIN pg_catalog.pg_roles login ON login.rolname = session_user
     WHERE me.rolname = current_user
)
SELECT CASE WHEN us.is_superuser THEN us.login ELSE us.rolname END::text AS name,
       us.is_superuser,
       CASE WHEN us.is_superuser AND us.login <> us.rolname THEN us.rolname::text END AS in_force,
       (SELECT CASE WHEN pg_catalog.has_schema_privilege('public', n.oid, 'CREATE') THEN 'public' ELSE us.rolname::text END
          FROM pg_catalog.pg_namespace n
         WHERE n.nspname = $1 AND NOT us.is_superuser AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')) AS creates_by,
       coalesce((SELECT pg_catalog.format('SCHEMA %I', n.nspname)
                   FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
                  WHERE n.nspname = $1 AND o.rolname <> 'pg_database_owner'),
                pg_catalog.format('DATABASE %I', pg_catalog.current_database())) AS kept_by
  FROM us
