-- Functions without a search_path of their own that are called by indexes, constraints, generated columns, defaults
-- and policies of the tables $2 of the schema $1. Unqualified names in them are looked up in pg_catalog only. `fix`
-- is the statement that sets a search_path.
WITH ours AS (
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
), caller AS (
    SELECT 'pg_catalog.pg_class'::regclass AS classid, i.indexrelid AS objid, ours.quoted,
           pg_catalog.format('index %s', i.indexrelid::regclass) AS said
      FROM ours JOIN pg_catalog.pg_index i ON i.indrelid = ours.oid
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, ours.quoted, pg_catalog.format('constraint %I', k.conname)
      FROM ours JOIN pg_catalog.pg_constraint k ON k.conrelid = ours.oid
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass, d.oid, ours.quoted, pg_catalog.format('column %I', a.attname)
      FROM ours
      JOIN pg_catalog.pg_attrdef d ON d.adrelid = ours.oid
      JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_catalog.pg_policy'::regclass, p.oid, ours.quoted, pg_catalog.format('policy %I', p.polname)
      FROM ours JOIN pg_catalog.pg_policy p ON p.polrelid = ours.oid
)
SELECT DISTINCT
       pg_catalog.format('%s of %s calls %s, which has no search_path of its own and so must name everything with its schema',
                         caller.said, caller.quoted, p.oid::regprocedure) AS said,
       pg_catalog.format('ALTER FUNCTION %s SET search_path = %I, pg_temp', p.oid::regprocedure, n.nspname) AS fix
  FROM caller
  JOIN pg_catalog.pg_depend d ON d.classid = caller.classid AND d.objid = caller.objid
   AND d.refclassid = 'pg_catalog.pg_proc'::regclass
  JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE n.nspname <> 'pg_catalog'
   AND l.lanname NOT IN ('internal', 'c')
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.unnest(p.proconfig) AS setting
                    WHERE pg_catalog.starts_with(setting, 'search_path='))
 ORDER BY 1
