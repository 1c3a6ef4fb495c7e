-- The role in force and the one that logged in, whether that is a superuser or as good as one (rolsuper), and whether it is one only
-- because up to Postgres 15 who may make roles may give itself the server's own (makes_roles). docs/decisions/0104 says why.
SELECT r.oid, login.oid AS login,
       EXISTS (SELECT 1 FROM pg_catalog.pg_roles s
                WHERE (s.rolsuper OR s.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'))
                  AND (pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER') OR pg_catalog.pg_has_role(login.oid, s.oid, 'MEMBER')))
           AS rolsuper,
       pg_catalog.current_setting('server_version_num')::int < 160000
       AND (r.oid IN ({makers}) OR login.oid IN ({makers})) AS makes_roles
  FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles login ON login.rolname = session_user
 WHERE r.rolname = current_user
