-- Of the roles $1, of which $3 comes first: whether one is the role that asks, and whether it is a member of the owner $2; a
-- superuser is one of everybody, and refused for that (more_than_rows.sql).
SELECT r.rolname::text AS name, r.rolname = current_user AS is_caller,
       NOT r.rolsuper AND EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = $2 AND pg_has_role(r.oid, o.oid, 'MEMBER')) AS is_owner
  FROM pg_roles r
 WHERE r.rolname = ANY ($1::text[])
 ORDER BY r.rolname = $3 DESC
