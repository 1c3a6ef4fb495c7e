-- What depends on the relations $2 of the schema $1 and is not one of them. $3 and $4 are the trigger and the
-- function that go, which are told apart.
WITH RECURSIVE old AS (
    SELECT c.oid, c.relname::text AS name
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
), reading AS (
    -- Views on the old tables, with the columns each uses, and views on those views.
    SELECT r.ev_class AS view, old.name AS depends_on, d.refobjid, d.refobjsubid
      FROM old
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = old.oid
                                 AND d.classid = 'pg_catalog.pg_rewrite'::regclass
      JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
     WHERE r.ev_class NOT IN (SELECT oid FROM old)
    UNION
    SELECT r.ev_class, reading.depends_on, d.refobjid, 0
      FROM reading
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = reading.view
                                 AND d.classid = 'pg_catalog.pg_rewrite'::regclass
      JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
     WHERE r.ev_class <> reading.view AND r.ev_class NOT IN (SELECT oid FROM old)
), named AS (
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
)
SELECT 'view' AS kind, named.name, reading.depends_on,
       pg_catalog.pg_get_viewdef(reading.view) AS definition,
       ARRAY(SELECT DISTINCT a.attname::text
               FROM reading uses
               JOIN pg_catalog.pg_attribute a ON a.attrelid = uses.refobjid AND a.attnum = uses.refobjsubid
               JOIN old ON old.oid = uses.refobjid AND old.name = reading.depends_on
              WHERE uses.view = reading.view AND uses.refobjsubid > 0
              ORDER BY 1) AS columns
  FROM reading JOIN named ON named.oid = reading.view
 GROUP BY named.name, reading.depends_on, reading.view
UNION ALL
SELECT 'foreign key', named.name || '.' || k.conname, old.name, pg_catalog.pg_get_constraintdef(k.oid), '{}'
  FROM pg_catalog.pg_constraint k
  JOIN old ON old.oid = k.confrelid
  JOIN named ON named.oid = k.conrelid
 WHERE k.contype = 'f' AND k.conrelid NOT IN (SELECT oid FROM old)
UNION ALL
SELECT 'policy', named.name || '.' || p.polname, old.name,
       coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), ''), '{}'
  FROM pg_catalog.pg_policy p
  JOIN named ON named.oid = p.polrelid
  JOIN old ON EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
                         AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = old.oid)
 WHERE p.polrelid NOT IN (SELECT oid FROM old)
UNION ALL
SELECT 'function', pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
       old.name, p.prosrc, '{}'
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
  JOIN old ON p.prosrc ~ ('[[:<:]]' || old.name || '[[:>:]]')
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND NOT (n.nspname = $1 AND p.proname = $4)
UNION ALL
SELECT 'publication', p.pubname, old.name, '', '{}'
  FROM pg_catalog.pg_publication_rel r
  JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
  JOIN old ON old.oid = r.prrelid
UNION ALL
SELECT 'trigger', named.name || '.' || t.tgname, old.name, pg_catalog.pg_get_triggerdef(t.oid), '{}'
  FROM pg_catalog.pg_trigger t
  JOIN old ON old.oid = t.tgrelid
  JOIN named ON named.oid = t.tgrelid
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
 WHERE NOT t.tgisinternal AND t.tgname <> $3 AND p.proname <> $4
 ORDER BY 1, 2, 3
