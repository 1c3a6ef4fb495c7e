-- The role in force and the one that we log in as, what it could do, and who owns our tables (that of the migrations, $1). Whether it is a superuser says
-- access/trust/me.sql.
SELECT r.rolname::text AS name, session_user::text AS login,
       coalesce(pg_has_role(r.oid, c.relowner, 'USAGE'), false) AS acts_for_owner,
       -- Any code in the session can put the login in force, and that whatever it is a member of.
       coalesce(pg_has_role(session_user, c.relowner, 'MEMBER'), false) AS login_acts_for_owner,
       o.rolname::text AS owner, coalesce(o.rolcanlogin, false) AS owner_may_log_in
  FROM pg_roles r
  LEFT JOIN pg_class c ON c.relname = $1
                      AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema_text})
  LEFT JOIN pg_roles o ON o.oid = c.relowner
 WHERE r.rolname = current_user
