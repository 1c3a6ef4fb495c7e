-- Roles of which no message advises to make anybody a member, and to which none advises to give tables: those that may make roles, and those that
-- are, or may become by a membership, a superuser, one that passes row security, that replicates, that may log in, one of the server's own
-- (but pg_database_owner, which is this database's owner), or one that owns something in another database.
SELECT r.oid
  FROM pg_catalog.pg_roles r
 WHERE r.oid IN ({makers})
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles more
                WHERE pg_catalog.pg_has_role(r.oid, more.oid, 'MEMBER')
                  AND (more.rolsuper OR more.rolbypassrls OR more.rolreplication OR more.rolcanlogin
                       OR pg_catalog.starts_with(more.rolname::text, 'pg_')
                          AND (more.oid = r.oid OR more.rolname <> 'pg_database_owner')
                       OR more.oid IN ({elsewhere})))
