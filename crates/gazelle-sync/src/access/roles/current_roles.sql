-- The owner of the register of migrations $1, and the roles that its policies $2 and $3 name.
SELECT o.rolname::text AS owner, s.rolname::text AS sync, r.rolname::text AS reader
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles o ON o.oid = c.relowner
  JOIN pg_policy sp ON sp.polrelid = c.oid AND sp.polname = $2
  JOIN pg_roles s ON s.oid = sp.polroles[1]
  JOIN pg_policy rp ON rp.polrelid = c.oid AND rp.polname = $3
  JOIN pg_roles r ON r.oid = rp.polroles[1]
 WHERE n.nspname = {schema_text} AND c.relname = $1
