-- The current role: whether it is a superuser or equal to one (as in owners.sql), why, and the statement that ends
-- this; the lesser role that it has set; for others, the role by whose right they may create in the schema $1.
-- `kept_by` is what an administrator should own to act for a superuser: the schema if a role owns it, else the
-- database.
WITH us AS (
    SELECT me.oid, me.rolname, login.oid AS login_oid, login.rolname AS login
      FROM pg_catalog.pg_roles me JOIN pg_catalog.pg_roles login ON login.rolname = session_user
     WHERE me.rolname = current_user
), powers AS (
    SELECT 1 AS rank, 'is a superuser' AS because, NULL::text AS ended_by
      FROM us JOIN pg_catalog.pg_roles s ON s.rolsuper
     WHERE pg_catalog.pg_has_role(us.oid, s.oid, 'MEMBER') OR pg_catalog.pg_has_role(us.login_oid, s.oid, 'MEMBER')
    UNION ALL
    SELECT 2, pg_catalog.format('is as good as a superuser, as a member of %s', s.rolname),
           (SELECT pg_catalog.format('REVOKE %I FROM %I', s.rolname, m.rolname)
              FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles m ON m.oid = a.member
             WHERE a.roleid = s.oid
               AND (pg_catalog.pg_has_role(us.oid, m.oid, 'MEMBER') OR pg_catalog.pg_has_role(us.login_oid, m.oid, 'MEMBER'))
             ORDER BY 1 LIMIT 1)
      FROM us JOIN pg_catalog.pg_roles s ON s.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')
     WHERE pg_catalog.pg_has_role(us.oid, s.oid, 'MEMBER') OR pg_catalog.pg_has_role(us.login_oid, s.oid, 'MEMBER')
    UNION ALL
    SELECT 3, 'is as good as a superuser, since up to Postgres 15 who makes roles (CREATEROLE) may give itself those of the server',
           pg_catalog.format('ALTER ROLE %I NOCREATEROLE', s.rolname)
      FROM us JOIN pg_catalog.pg_roles s ON s.rolcreaterole
     WHERE pg_catalog.current_setting('server_version_num')::int < 160000
       AND (pg_catalog.pg_has_role(us.oid, s.oid, 'MEMBER') OR pg_catalog.pg_has_role(us.login_oid, s.oid, 'MEMBER'))
), power AS (
    SELECT powers.* FROM powers ORDER BY 1, 2, 3 LIMIT 1
)
SELECT CASE WHEN power.rank IS NULL THEN us.rolname ELSE us.login END::text AS name,
       power.because, power.ended_by, coalesce(power.rank = 3, false) AS makes_roles,
       CASE WHEN power.rank IS NOT NULL AND us.login <> us.rolname THEN us.rolname::text END AS in_force,
       (SELECT CASE WHEN pg_catalog.has_schema_privilege('public', n.oid, 'CREATE') THEN 'public' ELSE us.rolname::text END
          FROM pg_catalog.pg_namespace n
         WHERE n.nspname = $1 AND power.rank IS NULL AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')) AS creates_by,
       coalesce((SELECT pg_catalog.format('SCHEMA %I', n.nspname)
                   FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
                  WHERE n.nspname = $1 AND o.rolname <> 'pg_database_owner'),
                pg_catalog.format('DATABASE %I', pg_catalog.current_database())) AS kept_by
  FROM us LEFT JOIN power ON true
