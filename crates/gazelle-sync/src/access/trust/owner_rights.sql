-- The owner of the register of migrations $1, and whether the current role has the owner's rights or could acquire
-- them, or may be granted the owner at all. Up to Postgres 15 also the members that make roles (`makers`) and use the tables
-- through the owner: being as good as superusers, they use no tables of an owner as which another role can act
-- (docs/decisions/0104).
SELECT o.rolname::text AS owner, current_user::text AS caller,
       pg_has_role(c.relowner, 'USAGE') AS has_rights, pg_has_role(c.relowner, 'MEMBER') AS is_member,
       c.relowner NOT IN ({ungrantable}) AS may_be_granted,
       ARRAY(SELECT m.rolname::text
               FROM pg_catalog.pg_auth_members a
               JOIN pg_catalog.pg_roles m ON m.oid = a.member
              WHERE a.roleid = c.relowner AND m.oid IN ({makers}) AND NOT m.rolsuper
                AND pg_catalog.current_setting('server_version_num')::int < 160000
              ORDER BY m.rolname) AS makers
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles o ON o.oid = c.relowner
 WHERE n.nspname = {schema_text} AND c.relname = $1
