-- Of the roles $1, ordered so that $3 is the first: whether each is the current role, and whether it is a member of
-- the owner $2. Superusers, who are members of every role, are refused by more_than_rows.sql.
SELECT r.rolname::text AS name, r.rolname = current_user AS is_caller,
       NOT r.rolsuper AND EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = $2 AND pg_has_role(r.oid, o.oid, 'MEMBER')) AS is_owner
  FROM pg_roles r
 WHERE r.rolname = ANY ($1::text[])
 ORDER BY r.rolname = $3 DESC
