-- The columns of the tables $2 of the schema $1; and, with NULL as the column, those of the tables that the view
-- v_sync_dashboard_entities counts.
SELECT c.relname::text AS table_name, a.attname::text AS column_name
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
UNION ALL
SELECT DISTINCT counted.relname::text, NULL
  FROM pg_class view
  JOIN pg_namespace n ON n.oid = view.relnamespace
  JOIN pg_rewrite r ON r.ev_class = view.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class counted ON counted.oid = d.refobjid
 WHERE n.nspname = $1 AND view.relname = 'v_sync_dashboard_entities' AND counted.relname = ANY ($2::text[])
