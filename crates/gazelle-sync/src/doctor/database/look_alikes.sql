-- Functions and operators of the schema $1 and of public that have the name of one in pg_catalog and belong to no
-- extension: kind, name with schema and arguments, owner, and the statement that drops it.
SELECT 'function' AS kind,
       pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS name,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS owner,
       pg_catalog.format('DROP ROUTINE %I.%I(%s)', n.nspname, p.proname,
                         pg_catalog.pg_get_function_identity_arguments(p.oid)) AS drop
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname IN ($1, 'public')
   AND EXISTS (SELECT 1
                 FROM pg_catalog.pg_proc own
                WHERE own.proname = p.proname AND own.pronamespace = 'pg_catalog'::regnamespace)
   AND NOT EXISTS (SELECT 1
                     FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'operator',
       pg_catalog.format('%I.%s (%s, %s)', n.nspname, o.oprname, o.oprleft::regtype, o.oprright::regtype),
       pg_catalog.pg_get_userbyid(o.oprowner)::text,
       pg_catalog.format('DROP OPERATOR %I.%s (%s, %s)', n.nspname, o.oprname,
                         CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE o.oprleft::regtype::text END, o.oprright::regtype)
  FROM pg_catalog.pg_operator o
  JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
 WHERE n.nspname IN ($1, 'public')
   AND EXISTS (SELECT 1
                 FROM pg_catalog.pg_operator own
                WHERE own.oprname = o.oprname AND own.oprnamespace = 'pg_catalog'::regnamespace)
   AND NOT EXISTS (SELECT 1
                     FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')
 ORDER BY 1, 2
