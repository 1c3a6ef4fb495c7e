-- Roles of which a comment says that they own the tables in this database. Earlier versions did not name the database: their comment counts only
-- for a role that owns nothing in another one.
SELECT r.oid
  FROM pg_catalog.pg_roles r
 WHERE pg_catalog.shobj_description(r.oid, 'pg_authid') = {mark}
    OR pg_catalog.shobj_description(r.oid, 'pg_authid') = '{old_mark}' AND r.oid NOT IN ({elsewhere})
