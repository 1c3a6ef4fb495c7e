-- Who may make roles, where the question is whom to trust. From Postgres 16 on a membership gives CREATEROLE only where it lets its member SET
-- ROLE, or lets it grant itself that (ADMIN OPTION): a member without both makes no roles. Older servers do not know the word 'SET'.
SELECT maker.oid
  FROM pg_catalog.pg_roles maker
 WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_roles s
                WHERE s.rolcreaterole
                  AND CASE WHEN pg_catalog.current_setting('server_version_num')::int < 160000
                           THEN pg_catalog.pg_has_role(maker.oid, s.oid, 'MEMBER')
                           ELSE pg_catalog.pg_has_role(maker.oid, s.oid, 'SET')
                                OR pg_catalog.pg_has_role(maker.oid, s.oid, 'MEMBER WITH ADMIN OPTION') END)
