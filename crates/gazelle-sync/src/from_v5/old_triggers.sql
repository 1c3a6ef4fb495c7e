-- Triggers on the tables $2 of the schema $1 that bear the name $3 or call a function named $4, each with what
-- creates it again as it is: its definition, and whether and when it fires.
SELECT c.relname || '.' || t.tgname AS name,
       pg_catalog.format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname) AS drop,
       pg_catalog.pg_get_triggerdef(t.oid)
       || CASE t.tgenabled
               WHEN 'O' THEN ''
               ELSE pg_catalog.format('; ALTER TABLE %I.%I %s TRIGGER %I', n.nspname, c.relname,
                       CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
                       t.tgname)
          END
       || coalesce(pg_catalog.format('; COMMENT ON TRIGGER %I ON %I.%I IS %L', t.tgname, n.nspname, c.relname,
                       pg_catalog.obj_description(t.oid, 'pg_trigger')), '') AS create_again
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
 WHERE NOT t.tgisinternal
   AND n.nspname = $1
   AND c.relname = ANY ($2::text[])
   AND (t.tgname = $3 OR p.proname = $4)
 ORDER BY 1
