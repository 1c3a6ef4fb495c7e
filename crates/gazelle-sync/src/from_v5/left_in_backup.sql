-- What else is in the backup schema $1 than what was moved there under the names $2: made by someone since then.
-- What belongs to a table (an index, the sequence of a serial column) goes with it.
SELECT c.relname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND c.relname <> 'v5_manifest'
   AND NOT c.relname = ANY ($2::text[])
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i'))
UNION ALL
SELECT p.proname::text || '()'
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = $1 AND p.proname <> 'fn_fix_gazelle_api_time'
 ORDER BY 1
