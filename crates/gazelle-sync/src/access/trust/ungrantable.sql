-- Roles of which no message advises to make anybody a member, and to which none advises to give tables: superusers, who may make roles, who
-- may log in, the server's own, and those that own something in another database.
SELECT r.oid
  FROM pg_catalog.pg_roles r
 WHERE r.rolsuper OR r.rolcanlogin OR pg_catalog.starts_with(r.rolname::text, 'pg_')
    OR r.oid IN ({makers})
    OR r.oid IN ({elsewhere})
