-- Of the roles $1, of which $3 comes first: whether row security does not bind one, whether it is the role that asks, and
-- whether it is a member of the owner $2.
SELECT r.rolname::text AS name, r.rolsuper OR r.rolbypassrls AS is_unbound, r.rolname = current_user AS is_caller,
       EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = $2 AND pg_has_role(r.oid, o.oid, 'MEMBER')) AS is_owner
  FROM pg_roles r
 WHERE r.rolname = ANY ($1::text[])
 ORDER BY r.rolname = $3 DESC
