-- Who may make roles: who has CREATEROLE, and who may put one in force that has it. The attribute is not inherited, but a member takes it by SET
-- ROLE. A superuser is a member of everybody.
SELECT maker.oid
  FROM pg_catalog.pg_roles maker
 WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_roles s
                WHERE s.rolcreaterole AND pg_catalog.pg_has_role(maker.oid, s.oid, 'MEMBER'))
