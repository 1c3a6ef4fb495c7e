-- Roles that own something in another database of this server, or another database itself: who becomes a member of such a role may do there
-- what it may.
SELECT d.refobjid
  FROM pg_catalog.pg_shdepend d
  JOIN pg_catalog.pg_database here ON here.datname = pg_catalog.current_database()
 WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.deptype = 'o'
   AND (d.dbid NOT IN (0, here.oid) OR d.dbid = 0 AND NOT (d.classid = 'pg_catalog.pg_database'::regclass AND d.objid = here.oid))
