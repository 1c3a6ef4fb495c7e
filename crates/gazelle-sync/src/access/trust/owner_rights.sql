-- The owner of the register of migrations $1, and whether the current role has the owner's rights or could acquire
-- them. Up to Postgres 15 also the statements (`first`) after which a member with CREATEROLE that uses the tables
-- through the owner can go on when the owner is granted to a role without CREATEROLE: being as good as a superuser, it
-- uses no tables of an owner as which another role can act (docs/decisions/0104).
SELECT o.rolname::text AS owner, current_user::text AS caller,
       pg_has_role(c.relowner, 'USAGE') AS has_rights, pg_has_role(c.relowner, 'MEMBER') AS is_member,
       ARRAY(SELECT pg_catalog.format('ALTER ROLE %I NOCREATEROLE', m.rolname)
               FROM pg_catalog.pg_auth_members a
               JOIN pg_catalog.pg_roles m ON m.oid = a.member
              WHERE a.roleid = c.relowner AND m.rolcreaterole AND NOT m.rolsuper
                AND pg_catalog.current_setting('server_version_num')::int < 160000
              ORDER BY m.rolname) AS first
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles o ON o.oid = c.relowner
 WHERE n.nspname = {schema_text} AND c.relname = $1
