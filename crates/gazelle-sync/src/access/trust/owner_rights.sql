-- The owner of the register of migrations $1, and whether the current role has the owner's rights or could acquire
-- them.
SELECT o.rolname::text AS owner, current_user::text AS caller,
       pg_has_role(c.relowner, 'USAGE') AS has_rights, pg_has_role(c.relowner, 'MEMBER') AS is_member
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles o ON o.oid = c.relowner
 WHERE n.nspname = {schema_text} AND c.relname = $1
