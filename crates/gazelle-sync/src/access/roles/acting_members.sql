-- Roles that may log in and act as the role $1, each with the statement that ends it. Left out are the current role
-- and administrators, who could act as any role anyway: superusers, roles with CREATEROLE, the owner of the database,
-- and roles that can act as one of these.
--
-- Returns no row if $1 owns the register of migrations $2 with both policies $3, since its later members were added
-- by an administrator. If a comment names $1 as the owner of the tables in this database, members WITH ADMIN OPTION are
-- left out too: earlier messages advised to make its administrator one.
WITH owner AS (
    SELECT o.oid, o.rolname
      FROM pg_catalog.pg_roles o
     WHERE o.rolname = $1
       AND NOT EXISTS (SELECT 1
                         FROM pg_catalog.pg_class c
                         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = {schema_text} AND c.relname = $2 AND c.relowner = o.oid
                          AND 2 = (SELECT count(*) FROM pg_catalog.pg_policy p
                                    WHERE p.polrelid = c.oid AND p.polname = ANY ($3::text[])))
), administrators AS (
    SELECT r.oid
      FROM pg_catalog.pg_roles r
     WHERE r.rolsuper OR r.oid IN ({trusted_makers}) OR r.rolname IN (current_user, session_user)
        OR r.oid = (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
)
SELECT m.rolname::text AS member,
       (SELECT pg_catalog.format('REVOKE %I FROM %I', owner.rolname, by.rolname)
          FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles by ON by.oid = a.member
         WHERE a.roleid = owner.oid AND pg_catalog.pg_has_role(m.oid, by.oid, 'MEMBER')
         ORDER BY by.oid = m.oid DESC, by.rolname
         LIMIT 1) AS fix
  FROM owner
  JOIN pg_catalog.pg_roles m ON m.rolcanlogin AND m.oid <> owner.oid AND pg_catalog.pg_has_role(m.oid, owner.oid, 'MEMBER')
 WHERE NOT EXISTS (SELECT 1 FROM administrators WHERE pg_catalog.pg_has_role(m.oid, administrators.oid, 'MEMBER'))
   AND NOT (owner.oid IN ({marked})
            AND EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members a
                         WHERE a.roleid = owner.oid AND a.member = m.oid AND a.admin_option))
 ORDER BY 1
