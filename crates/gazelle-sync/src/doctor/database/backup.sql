-- Of every schema that keeps tables of the old system (it holds a manifest, $2), and of the views $3 through which our
-- schema shows them: what everybody and the roles $4 may do there, and tables without row security. The fault
-- is NULL where all of a schema is closed. The moved tables bear names of ours, $1.
WITH backups AS (
    SELECT n.oid, n.nspname::text AS name
      FROM pg_catalog.pg_class m JOIN pg_catalog.pg_namespace n ON n.oid = m.relnamespace
     WHERE m.relname = $2 AND m.relkind = 'r'
), roles AS (
    SELECT 'public' AS name, 'PUBLIC' AS shown
    UNION ALL
    SELECT rolname::text, rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY ($4::text[])
), named AS (
    SELECT c.oid, c.relkind, c.relrowsecurity, backups.name AS backup, pg_catalog.format('%I.%I', backups.name, c.relname) AS name
      FROM backups JOIN pg_catalog.pg_class c ON c.relnamespace = backups.oid
     WHERE c.relname = ANY ($1::text[]) OR c.relname = $2
), relations AS (
    SELECT * FROM named
    UNION ALL
    SELECT s.oid, s.relkind, true, named.backup, pg_catalog.format('%I.%I', named.backup, s.relname)
      FROM named
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = named.oid
                                 AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
      JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    UNION ALL
    SELECT v.oid, v.relkind, true, backups.name, pg_catalog.format('%I.%I', n.nspname, v.relname)
      FROM pg_catalog.pg_class v
      JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
     CROSS JOIN backups
     WHERE n.nspname = {schema_text} AND v.relname = ANY ($3::text[])
), open AS (
    SELECT backups.name AS backup, roles.shown || ' may ' || wanted.privilege || ' on ' || pg_catalog.quote_ident(backups.name) AS what
      FROM backups CROSS JOIN roles CROSS JOIN pg_catalog.unnest(ARRAY['USAGE', 'CREATE']) AS wanted (privilege)
     WHERE pg_catalog.has_schema_privilege(roles.name, backups.oid, wanted.privilege)
    UNION
    SELECT relations.backup, roles.shown || ' may ' || wanted.privilege || ' on ' || relations.name
      FROM relations
     CROSS JOIN roles
     CROSS JOIN pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'USAGE'])
                AS wanted (privilege)
     WHERE CASE WHEN relations.relkind = 'S'
                THEN CASE WHEN wanted.privilege IN ('SELECT', 'UPDATE', 'USAGE')
                          THEN pg_catalog.has_sequence_privilege(roles.name, relations.oid, wanted.privilege) ELSE false END
                WHEN relations.relkind NOT IN ('r', 'p', 'v', 'm', 'f') OR wanted.privilege = 'USAGE' THEN false
                WHEN wanted.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                THEN pg_catalog.has_any_column_privilege(roles.name, relations.oid, wanted.privilege)
                ELSE pg_catalog.has_table_privilege(roles.name, relations.oid, wanted.privilege) END
    UNION
    SELECT backup, 'row security is off for ' || name FROM relations WHERE relkind IN ('r', 'p') AND NOT relrowsecurity
)
SELECT backups.name AS backup, open.what AS fault
  FROM backups LEFT JOIN open ON open.backup = backups.name
 ORDER BY backup, open.what LIKE 'anon may%', fault
